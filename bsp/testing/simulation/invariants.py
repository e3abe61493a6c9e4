"""What must hold in a simulated cluster, whatever happens."""

from collections.abc import Hashable, Iterable
from dataclasses import replace

from ...machine import Mismatch, Proceed
from ...machine.participant import ABORTED, CUT_OFF, LOST, SUPERSEDED, Cause
from .cluster import Cluster
from .layout import ATTEMPT
from .process import Process


class Broken(AssertionError):
    """Something does not hold that must."""


def check(cluster: Cluster) -> None:
    """Look at what has happened so far.

    All verdicts of a generation are the same and tell of this attempt; nobody is more than one generation ahead, or
    leaves a barrier before all have come; one cause is believed, and it names who is to blame; attempts do not touch
    each other's nodes.

    Raises:
        Broken: something of that does not hold.
    """
    for attempt in range(1, cluster.attempt + 1):
        members = cluster.of(attempt)
        _check_verdicts(members.values(), attempt)
        _check_causes(cluster, members, attempt)
        _check_fence(cluster, members)


def check_end(cluster: Cluster, attempt: int) -> None:
    """Look at an attempt in which nothing happens by itself any more.

    Nobody waits; everybody has passed all barriers, unless there is a reason why not.

    Raises:
        Broken: something of that does not hold.
    """
    members = cluster.of(attempt)
    for index, process in members.items():
        _hold(process.over or process.done, f"process {index} waits for ever")
        _hold(process.done or not process.participant.gone, f"process {index} left early")
    mismatch = any(isinstance(verdict, Mismatch) for process in members.values() for verdict in process.verdicts)
    reason = mismatch or _guilty(cluster, members) or attempt < cluster.attempt
    _hold(bool(reason) or all(process.done for process in members.values()), "the job ended without a reason")


def outcome(cluster: Cluster) -> Hashable:
    """Return what has become of each process: how many barriers it has passed, and how it ended."""
    told = []
    for process in cluster.processes:
        cause = process.participant.ended
        how = "crashed" if process.crashed else cause.kind if cause else "done" if process.done else "waits"
        told.append((len(process.verdicts), how))
    return tuple(told)


def _check_verdicts(members: Iterable[Process], attempt: int) -> None:
    least = min(process.arrived for process in members)
    expected = _expected(members)
    for process in members:
        rank = process.participant.rank
        _hold(process.arrived <= least + 1, f"process {rank} is more than one barrier ahead")
        _hold(len(process.verdicts) <= least, f"process {rank} left a barrier before all had come")
        for generation, verdict in enumerate(process.verdicts):
            told = replace(expected, generation=generation)
            _hold(verdict == told, f"process {rank} of attempt {attempt} was told {verdict}, not {told}")


def _check_causes(cluster: Cluster, members: dict[int, Process], attempt: int) -> None:
    believed: set[Cause] = set()
    for index, process in members.items():
        cause = process.participant.ended
        if cause is None:
            continue
        if cause.kind in (LOST, ABORTED):
            believed.add(cause)
            blamed = set(cause.ranks) <= _guilty(cluster, members)
            _hold(cause.kind == ABORTED or blamed, f"an innocent is blamed: {cause.reason}")
        elif cause.kind == CUT_OFF:
            cut_off = index in cluster.expired or process.down_since is not None
            _hold(cut_off, f"no reason to say {cause.reason}")
        elif cause.kind == SUPERSEDED:
            _hold(attempt < cluster.attempt, f"no reason to say {cause.reason}")
    _hold(len(believed) <= 1, f"different causes are believed: {believed}")


def _check_fence(cluster: Cluster, members: dict[int, Process]) -> None:
    for index, process in members.items():
        for request in cluster.service.requests[index]:
            for operation in request.operations:
                for part in (operation, *operation.parts):
                    own = part.path in ((), ATTEMPT) or part.path[1] == process.layout.attempt
                    _hold(own, f"process {index} touches {part.path}, which is not its own attempt's")


def _guilty(cluster: Cluster, members: dict[int, Process]) -> set[int]:
    """Return the ranks of those that crashed or were given up by the service."""
    return {
        process.participant.rank for index, process in members.items() if process.crashed or index in cluster.expired
    }


def _expected(members: Iterable[Process]) -> Proceed | Mismatch:
    calls: dict[bytes, tuple[int, ...]] = {}
    flags = 0
    for process in sorted(members, key=lambda process: process.call[0]):
        text = process.call[1]
        calls[text] = (*calls.get(text, ()), process.participant.rank)
        flags |= process.call[2]
    return Proceed(0, flags) if len(calls) == 1 else Mismatch(0, tuple(calls.items()))


def _hold(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Broken(otherwise)
