"""Which orders of events need not be walked through, because others lead to the same.

Partial-order reduction: where what happens next meets nothing else that can ever happen, only that is looked at
(Godefroid: "Partial-Order Methods for the Verification of Concurrent Systems", 1996).
"""

from ...machine import Announce, Clear, Declare, End, Gather, Look, Open, Read, Rendezvous
from .cluster import Choice, Cluster
from .layout import ATTEMPT
from .process import Process
from .service import Answer, Fired, Request


def urgent(cluster: Cluster) -> list[Choice]:
    """Return choices that need not be put off, if there are such: putting them off leads to nothing else.

    One is taking an answer of the service, where that is all that a process waits for: what it does then is to send
    requests, which are carried out as late as you like. Likewise one that tells of a barrier to a process that waits
    for none. Others are requests that meet nobody else's. A crash in between is as good as one after which they are
    never carried out. And as attempts have no paths in common, what is left of an old one comes before all that the new
    one does.
    """
    if cluster.faults.breaks:
        return []
    for index, process in enumerate(cluster.processes):
        answers = cluster.service.answers[index]
        if answers and isinstance(process.barrier, Rendezvous) and (not process.ready or _is_stale(answers[0])):
            return [("answer", index)]
        if cluster.service.requests[index] and _meets_nobody(cluster, process, cluster.service.requests[index][0]):
            return [("serve", index)]
    if all(process.over for process in cluster.processes) and not cluster.faults.restarts:
        return cluster.progress()[:1]
    new = cluster.of(cluster.attempt)
    return [choice for choice in cluster.choices() if choice[-1] not in new] if _is_last(cluster) else []


def is_decided(cluster: Cluster) -> bool:
    """Whether old attempts are over with all that they have sent: the present one is a job like any other."""
    return _is_last(cluster) and not urgent(cluster)


def _is_last(cluster: Cluster) -> bool:
    """Whether this is the last attempt, and not the only one."""
    last = not (cluster.faults.crashes or cluster.faults.restarts)
    return cluster.attempt > 1 and last and cluster.scenario.fenced


def _is_stale(answer: Answer | Fired) -> bool:
    """Whether an answer to a process that waits at no barrier tells of one: of one that it has left."""
    return answer.path[0] == "sync" if isinstance(answer, Fired) else isinstance(answer.action, Announce | Open)


def _meets_nobody(cluster: Cluster, process: Process, request: Request) -> bool:
    """Whether it makes no difference to anybody when the next operation of a process is carried out."""
    nodes, operation = cluster.service.nodes, request.operations[0]
    paths = [part.path for part in (operation, *operation.parts) if part.path]
    if paths and all(path[:-1] not in nodes for path in paths):
        return True  # of what was swept away, for good
    match request.action:
        case Read() | Gather():
            return True  # of nodes that change no more
        case Clear():
            return True  # now is the worst moment for whoever should still need it
        case Look() if operation.path == ATTEMPT:
            return process.over or not cluster.faults.restarts
        case Look() | Declare() if operation.path in nodes and operation.path == process.layout.abort:
            return True  # it stays as it is
        case Look() if operation.path == process.layout.abort:
            return process.over or not (cluster.faults.crashes or _is_hurt(cluster))
        case Look():
            return process.over or operation.path not in nodes  # and will never be again
        case End():
            return process.participant.gone  # whose member node is gone already
    return process.over and operation.kind in ("exists", "get", "count")


def _is_hurt(cluster: Cluster) -> bool:
    """Whether anybody has a reason to abort, or may find one."""
    hurt = any(process.crashed or process.participant.ended for process in cluster.processes)
    return cluster.scenario.mixed or hurt
