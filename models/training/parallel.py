"""Training in many processes: the plan becomes a BSP job, each peer of which runs the training loop."""

from __future__ import annotations

import logging
from typing import Any

from horn.bsp import BSPJob, PeerFailed, PeerLost, ZooKeeper
from horn.neurons import engine_named

from ..errors import TrainingDiverged, WorkerLost
from ..evaluation import score_part
from ..peers.program import training
from ..plans.outcome import COMPLETED, INTERRUPTED, Outcome, Told
from ..plans.plan import Plan
from ..plans.sources import typed_sources
from ..plans.workspace import Workspace, share, slot_name
from ..threads import blas_threads
from ..watching.history import History, ValidationRecord
from ..watching.notes import history_of
from ..watching.progress import Monitor

log = logging.getLogger("horn.models")


def train_in_processes(
    plan: Plan,
    workspace: Workspace,
    monitor: Monitor,
    *,
    threads: int,
    zookeeper: str | ZooKeeper | None,
    barrier: str,
    timeout: float | None,
) -> Outcome:
    """Run the plan as a job; its parameters lie in the workspace afterwards.

    Args:
        plan: what to do.
        workspace: the arrays; copied into shared memory, and what steps change back.
        monitor: is told how far training is.
        threads: of the BLAS, in each process.
        zookeeper: the service that coordinates, or its address "host:port,…"; None for the embedded coordinator.
        barrier: where the processes meet, see `horn.bsp.BSPJob`.
        timeout: seconds that a peer waits at a barrier for the others.

    Raises:
        TrainingDiverged: a worker's loss is not finite, where workers train asynchronously.
        WorkerLost: a process died.
        BSPError: as `horn.bsp.BSPJob`.
        KeyboardInterrupt: Ctrl-C, and the job did not stop in time.
    """
    shared, handles = share(workspace)
    job = BSPJob(
        training,
        peers=plan.peers,
        processes=plan.sizes,
        args=(plan, handles, typed_sources()),
        shared=shared,
        topology=plan.topology.told(),
        zookeeper=zookeeper,
        barrier=barrier,
        timeout=timeout,
        on_progress=monitor,
        blas_threads=threads,
        seed=plan.seed % 2**63,
        preload=[training.__module__, engine_named(plan.engine).__module__, "horn.neurons.jit:load"],
        graceful_interrupt=True,
    )
    log.info("training with %d workers in %d processes", plan.workers, len(plan.sizes))
    stopped = COMPLETED
    try:
        job.run()
    except KeyboardInterrupt:
        if not any(isinstance(value, Told) for value in job.values):
            raise
        stopped = INTERRUPTED
    except PeerFailed as failed:
        if isinstance(failed.exception, TrainingDiverged):
            raise failed.exception from failed
        raise
    except PeerLost as lost:
        raise _worker_lost(lost, plan) from lost
    outcome = _outcome(job.values, plan)
    if stopped == INTERRUPTED:
        outcome.history.stopped = INTERRUPTED
    workspace.parameters[:] = job.shared["parameters"]
    workspace.previous[:] = job.shared["previous"]
    for name, slot in workspace.slots.items():
        slot[:] = job.shared[slot_name(name)]
    if not plan.in_step:
        _look_last(plan, workspace, outcome.history, threads)
    return outcome


def _look_last(plan: Plan, workspace: Workspace, history: History, threads: int) -> None:
    """Score the validation examples with what all have made together."""
    if workspace.validation is None or not len(history):
        return
    with blas_threads(threads):
        engine = engine_named(plan.engine)(
            plan.spec, workspace.parameters, workspace.previous, seed=plan.seed, training=False
        )
        score = score_part(engine, workspace.validation)
    means = score.loss / score.examples, score.correct / score.examples
    history.validation.append(ValidationRecord(len(history), *means, history.time[-1]))


def _outcome(values: list[Any], plan: Plan) -> Outcome:
    """What the peers say: peer 0 for all, or each trainer for itself."""
    told = [value for value in values if isinstance(value, Told)]
    outcome = told[0].outcome
    if outcome is None:
        history = history_of([own.notes for own in told if own.notes is not None], plan.first_step)
        outcome = Outcome(history, plan.order.walk(plan.start).place(len(history)))
    outcome.history.workers = [own.worker for own in told]
    return outcome


def _worker_lost(lost: PeerLost, plan: Plan) -> WorkerLost:
    """The same loss, told in workers."""
    workers = sorted({worker for peer in lost.ranks if peer < plan.trainers for worker in plan.own(peer)})
    who = f"worker{'s' if len(workers) > 1 else ''} {', '.join(map(str, workers))} of {plan.workers}"
    if not workers:
        who = ", ".join(str(plan.topology.role(peer)) for peer in lost.ranks)
    return WorkerLost(f"{who} died: {lost}; the network keeps the weights from before this fit", workers, lost)
