"""Training in many processes: the plan becomes a BSP job, each peer of which runs the training loop."""

from __future__ import annotations

import logging

from horn.bsp import BSPJob, Peer, PeerLost, ZooKeeper

from .errors import WorkerLost
from .plan import Plan
from .progress import Monitor
from .sources import Sources, install, typed_sources
from .trainer import INTERRUPTED, Outcome, Trainer
from .workspace import Workspace, WorkspaceHandles, share

log = logging.getLogger("horn.models")


def training(peer: Peer, plan: Plan, handles: WorkspaceHandles, sources: Sources) -> Outcome | None:
    """What every peer of the job does; peer 0 tells the outcome."""
    install(sources)
    outcome = Trainer(peer, plan, handles.open(peer.shared)).run()
    return outcome if peer.index == 0 else None


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
        workspace: the arrays; copied into shared memory, and parameters and previous updates back.
        monitor: is told how far training is.
        threads: of the BLAS, in each process.
        zookeeper: the service that coordinates, or its address "host:port,…"; None for the embedded coordinator.
        barrier: where the processes meet, see `horn.bsp.BSPJob`.
        timeout: seconds that a peer waits at a barrier for the others.

    Raises:
        WorkerLost: a process died.
        BSPError: as `horn.bsp.BSPJob`.
        KeyboardInterrupt: Ctrl-C, and the job did not stop in time.
    """
    shared, handles = share(workspace)
    job = BSPJob(
        training,
        peers=plan.peers,
        processes=plan.processes,
        args=(plan, handles, typed_sources()),
        shared=shared,
        zookeeper=zookeeper,
        barrier=barrier,
        timeout=timeout,
        on_progress=monitor,
        blas_threads=threads,
        seed=plan.seed % 2**63,
        graceful_interrupt=True,
    )
    log.info("training with %d workers in %d processes", plan.workers, plan.processes)
    try:
        outcome = job.run()
    except KeyboardInterrupt:
        outcome = job.values[0] if job.values else None
        if not isinstance(outcome, Outcome):
            raise
        outcome.history.stopped = INTERRUPTED
    except PeerLost as lost:
        raise _worker_lost(lost, plan) from lost
    workspace.parameters[:] = job.shared["parameters"]
    workspace.previous[:] = job.shared["previous"]
    assert isinstance(outcome, Outcome)
    return outcome


def _worker_lost(lost: PeerLost, plan: Plan) -> WorkerLost:
    """The same loss, told in workers."""
    workers = [worker for peer in lost.ranks for worker in plan.own(peer)]
    who = f"worker{'s' if len(workers) > 1 else ''} {', '.join(map(str, workers))} of {plan.workers}"
    return WorkerLost(f"{who} died: {lost}; the network keeps the weights from before this fit", workers, lost)
