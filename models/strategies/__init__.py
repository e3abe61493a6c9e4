"""Synchronization strategies: what becomes of the updates of a network's replicas."""

from .allreduce import AllReduce
from .alone import Alone
from .base import Context, Properties, SyncStrategy
from .replicas import Replicas, Team

__all__ = ["AllReduce", "Alone", "Context", "Properties", "Replicas", "SyncStrategy", "Team"]
