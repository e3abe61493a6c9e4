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
from ..servers import Pushes, Server, Servers, Store
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
    servers = _servers(peer, plan, workspace)
    watch = Watch(plan.own(peer.index), crew.role.task, hooks, lambda: peer.waited, servers)
    with closing(_replica(peer.index, crew, hooks, plan, workspace, servers)) as replica:
        if servers is not None:
            peer.sync()  # all have what they begin with: from now on the servers change it
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


def _servers(peer: Peer, plan: Plan, workspace: Workspace) -> Servers | None:
    topology = plan.topology
    if not topology.servers:
        return None
    return Servers(
        Mail(peer, plan.timeout),
        topology.server_peers,
        topology.trainers,
        workspace.parameters,
        plan.strategy.properties.synchronous,
        workspace.updates[peer.index] if plan.shared_updates else None,
    )


def _work(peer: Peer, crew: Crew, plan: Plan, servers: Servers | None) -> Work:
    work: Work = OwnShare(crew.role.group, plan.iterations, lambda: peer.stop_requested)
    if plan.strategy.properties.shared_budget and servers is not None:
        work = SharedBudget(servers)
    return work if crew.group.num_peers == 1 else TogetherInGroup(work, crew.group)


def _serve(peer: Peer, hooks: Hooks, plan: Plan, workspace: Workspace) -> None:
    """Make the steps of a shard, where the caller finds it, until all workers are done."""
    topology, parameters = plan.topology, workspace.parameters
    role = topology.role(peer.index)
    assert isinstance(role, ServerRole)
    start, stop = bounds(plan.spec.size, topology.servers)[role.server : role.server + 2]
    spec = seen_spec(plan.optimizer, plan.spec)
    engine = engine_named(plan.engine)(spec, parameters, workspace.previous, seed=plan.seed)
    store = Store(parameters, plan.updater(plan.spec, engine, workspace.slots), start, stop, topology.workers)
    server = Server(
        peer,
        hooks.serve,
        store,
        Pushes(plan.spec, start, stop, workspace.updates),
        range(topology.trainers),
        (plan.iterations, topology.groups),
        plan.strategy.properties.synchronous,
    )
    peer.sync()  # see `_train`
    server.run()
