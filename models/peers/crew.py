"""A peer's place among the others: its role, and the groups of peers that it works with."""

from __future__ import annotations

from dataclasses import dataclass

from ..strategies.alone import Alone
from ..strategies.replicas import Team
from ..topology import Topology, WorkerRole


@dataclass(frozen=True)
class Crew:
    """The peers around one that trains.

    Args:
        role: what it is.
        trainers: all that train: the job without its servers.
        group: those of its group, which work in step.
        holders: those of its group that hold the same parameters: its task in every replica.
        tasks: those of its replica, which hold a share of its neurons each.
    """

    role: WorkerRole
    trainers: Team
    group: Team
    holders: Team
    tasks: Team


def muster(peer: Team, topology: Topology) -> Crew | None:
    """Split the job into its regions. Every peer of the job must call it.

    Returns:
        The peer's crew; None for a server, which works alone.

    Cost: 3·l for each kind of region that the topology has.
    """
    role = topology.role(peer.index)
    trains = isinstance(role, WorkerRole)
    trainers = peer.split(int(not trains)) if topology.servers else peer
    if not isinstance(role, WorkerRole):
        return None
    group = trainers.split(role.group) if topology.groups > 1 else trainers
    if topology.tasks == 1:
        return Crew(role, trainers, group, holders=group, tasks=Alone())
    holders = group.split(role.task)
    return Crew(role, trainers, group, holders, tasks=group.split(role.replica))
