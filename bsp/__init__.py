"""Bulk Synchronous Parallel jobs: peers, supersteps, messages, barriers, coordination.

A program is a function of its peer. It computes, sends, and calls `sync()`; what was sent before is readable after:

    def pi(peer: Peer) -> float | None:
        peer.send(0, count_hits(peer.rng, 1_000_000))
        peer.sync()
        return 4 * sum(peer.messages()) / (1_000_000 * peer.num_peers) if peer.index == 0 else None

    result = BSPJob(pi, peers=8).run()
"""

from .coordination import Coordinator, Member
from .coordination.settings import ZooKeeper
from .errors import (
    BarrierTimeout,
    BSPError,
    CoordinatorLost,
    JobAborted,
    LinkLost,
    PeerFailed,
    PeerLost,
    PostTimeout,
)
from .group import Group
from .links.settings import TCP
from .messages import Post, Queue
from .peer import Peer
from .probe import Machine
from .program import BSP
from .running.job import BSPJob
from .running.launcher import Launcher, WorkerHandle, WorkerSpec
from .running.local import LocalLauncher
from .running.spawning import SpawnLauncher
from .security import TLS
from .superstep import Superstep
from .variables import Coarray, Future, Variable

__all__ = [
    "BSP",
    "TCP",
    "TLS",
    "BSPError",
    "BSPJob",
    "BarrierTimeout",
    "Coarray",
    "Coordinator",
    "CoordinatorLost",
    "Future",
    "Group",
    "JobAborted",
    "Launcher",
    "LinkLost",
    "LocalLauncher",
    "Machine",
    "Member",
    "Peer",
    "PeerFailed",
    "PeerLost",
    "Post",
    "PostTimeout",
    "Queue",
    "SpawnLauncher",
    "Superstep",
    "Variable",
    "WorkerHandle",
    "WorkerSpec",
    "ZooKeeper",
]
