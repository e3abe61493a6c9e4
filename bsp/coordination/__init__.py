"""Who takes part in a job, when all have arrived, and when it is over: one contract, kept in two ways.

`EmbeddedCoordinator` keeps it with words in shared memory, on one host and without a server; `ZooKeeperCoordinator`
with znodes. The latter is imported on demand, so that jobs without ZooKeeper never load its client.
"""

from .base import Coordinator, Member
from .embedded import EmbeddedCoordinator

__all__ = ["Coordinator", "EmbeddedCoordinator", "Member"]
