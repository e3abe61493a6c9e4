"""The program of a training job: what each of its peers does, by its role."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from horn.bsp import BSPError, Peer
from horn.neurons import engine_named

from ..parts import bounds
from ..plans.outcome import Told
from ..plans.plan import Plan
from ..plans.sources import Sources, install
from ..plans.updating import seen_spec
from ..plans.workspace import Workspace, WorkspaceHandles
from ..servers import Server, Servers, Shard, Store
from ..servers.mail import Mail
from ..topology import ServerRole
from ..watching.recorder import Recorder
from .borrower import Borrower
from .crew import Crew, muster
from .free import Free
from .holder import Holder
from .hooks import Hooks
from .lockstep import Lockstep
from .replica import Replica
from .watch import Watch
from .work import OwnShare, SharedBudget, TogetherInGroup, Work


def training(peer: Peer, plan: Plan, handles: WorkspaceHandles, sources: Sources) -> Told | None:
    """What every peer of the job does; a server has nothing to tell."""
    install(sources)
    workspace = handles.open(peer.shared)
    hooks = Hooks(plan, workspace.places, peer.index, lambda: peer.waited)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows ends in a loss that is not finite
            crew = muster(peer, plan.topology)
            if crew is not None:
                return _train(peer, crew, hooks, plan, workspace)
            _serve(peer, hooks, plan, workspace)
            return None
    except BSPError as error:
        hooks.explain(error)
        raise


def _train(peer: Peer, crew: Crew, hooks: Hooks, plan: Plan, workspace: Workspace) -> Told:
    servers = _servers(peer, crew, plan)
    watch = Watch(plan.own(peer.index), crew.role.task, hooks, lambda: peer.waited, servers)
    with closing(_replica(peer.index, crew, hooks, plan, workspace, servers)) as replica:
        if plan.in_step:
            recorder = Recorder(peer, plan.first_step)
            outcome = Lockstep(crew.trainers, recorder, replica, plan, workspace, watch).run()
            if servers is not None:
                servers.leave()
            told = Told(watch.history(), outcome=outcome if peer.index == 0 else None)
        else:
            work = _work(peer, crew, plan, servers)
            notes = Free(peer, replica, work, plan, workspace, servers, watch).run()
            told = Told(watch.history(), notes=notes)
    replica.hand_in(workspace)
    return told


def _replica(
    index: int, crew: Crew, hooks: Hooks, plan: Plan, workspace: Workspace, servers: Servers | None
) -> Replica:
    if servers is not None and plan.borrows:
        return Borrower(index, crew, hooks, plan, workspace, servers)
    return Holder(index, crew, hooks, plan, workspace, servers)


def _servers(peer: Peer, crew: Crew, plan: Plan) -> Servers | None:
    if not plan.topology.servers:
        return None
    size, synchronous = plan.spec.size, plan.strategy.properties.synchronous
    return Servers(Mail(peer, plan.timeout), plan.topology.server_peers, plan.topology.trainers, size, synchronous)


def _work(peer: Peer, crew: Crew, plan: Plan, servers: Servers | None) -> Work:
    work: Work = OwnShare(crew.role.group, plan.iterations, lambda: peer.stop_requested)
    if plan.strategy.properties.shared_budget and servers is not None:
        work = SharedBudget(servers)
    return work if crew.group.num_peers == 1 else TogetherInGroup(work, crew.group)


def _serve(peer: Peer, hooks: Hooks, plan: Plan, workspace: Workspace) -> None:
    """Hold a shard until all workers are done; then put it where the caller finds it."""
    topology, size = plan.topology, plan.spec.size
    role = topology.role(peer.index)
    assert isinstance(role, ServerRole)
    start, stop = bounds(size, topology.servers)[role.server : role.server + 2]
    # pages that are never touched take no memory: it holds its shard alone
    parameters, previous = (np.zeros(size, plan.spec.precision) for _ in range(2))
    parameters[start:stop] = workspace.parameters[start:stop]
    previous[start:stop] = workspace.previous[start:stop]
    slots = {name: np.zeros(plan.spec.parameter_count, plan.spec.precision) for name in workspace.slots}
    for name, slot in slots.items():
        slot[start:stop] = workspace.slots[name][start:stop]
    engine = engine_named(plan.engine)(seen_spec(plan.optimizer, plan.spec), parameters, previous, seed=plan.seed)
    store = Store(parameters, plan.updater(plan.spec, engine, slots), start, stop, topology.workers)
    trainers = range(topology.trainers)
    synchronous = plan.strategy.properties.synchronous
    shard = Shard(plan.spec, parameters[start:stop], start)
    Server(peer, hooks.serve, store, shard, trainers, (plan.iterations, topology.groups), synchronous).run()
    workspace.parameters[start:stop] = parameters[start:stop]
    workspace.previous[start:stop] = previous[start:stop]
    for name, slot in slots.items():
        workspace.slots[name][start:stop] = slot[start:stop]
