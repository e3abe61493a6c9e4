"""The topology of a job that trains: how many groups, replicas, tasks and servers, and which peer is which.

A group trains synchronously inside, and asynchronously of the other groups. It holds `replicas` of the network, each on
its own part of the data (data parallelism); each replica is divided over `tasks` (model parallelism); `servers` hold
shards of the parameters. The peers of a job are numbered group by group, replica by replica, task by task; the servers
come last.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from .checks import require_count


@dataclass(frozen=True)
class WorkerRole:
    """A peer that trains.

    Args:
        group: its group.
        replica: its replica, within the group.
        task: its share of the replica's neurons.
    """

    group: int
    replica: int
    task: int

    def __str__(self) -> str:
        return f"group {self.group}, replica {self.replica}, task {self.task}"


@dataclass(frozen=True)
class ServerRole:
    """A peer that holds a shard of the parameters.

    Args:
        server: its number, from 0.
    """

    server: int

    def __str__(self) -> str:
        return f"server {self.server}"


Role: TypeAlias = WorkerRole | ServerRole


@dataclass(frozen=True)
class Topology:
    """How the peers of a job divide the work.

    Args:
        groups: how many train asynchronously of each other.
        replicas: of the network, in each group.
        tasks: that each replica is divided over.
        servers: that hold the parameters, in processes of their own; for replicas of one task.

    Raises:
        TypeError, ValueError: numbers that make no topology.
    """

    groups: int = 1
    replicas: int = 1
    tasks: int = 1
    servers: int = 0

    def __post_init__(self) -> None:
        for name in ("groups", "replicas", "tasks"):
            require_count(name, getattr(self, name))
        require_count("servers", self.servers, least=0)
        if self.servers and self.tasks > 1:
            raise ValueError(
                f"servers={self.servers} serve replicas that are whole, and these are divided over tasks={self.tasks}: "
                "leave out one of the two"
            )

    @property
    def workers(self) -> int:
        """Parts that each batch is split into: the replicas of all groups."""
        return self.groups * self.replicas

    @property
    def trainers(self) -> int:
        """Peers that train: the tasks of all replicas."""
        return self.workers * self.tasks

    @property
    def peers(self) -> int:
        """All peers, the servers included."""
        return self.trainers + self.servers

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing but replicas of one group."""
        return self.groups == self.tasks == 1 and not self.servers

    def role(self, peer: int) -> Role:
        """What a peer is."""
        if peer >= self.trainers:
            return ServerRole(peer - self.trainers)
        worker, task = divmod(peer, self.tasks)
        return WorkerRole(*divmod(worker, self.replicas), task)

    @property
    def server_peers(self) -> range:
        """The peers that are servers, in the order of their shards."""
        return range(self.trainers, self.peers)

    def told(self) -> dict[str, Any]:
        """The topology as plain data, for whoever looks at a running job."""
        return {**asdict(self), "roles": [str(self.role(peer)) for peer in range(self.peers)]}
