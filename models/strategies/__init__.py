"""Synchronization strategies: what becomes of the updates of a network's replicas."""

from .allreduce import AllReduce
from .alone import Alone
from .base import Context, Properties, SyncStrategy
from .downpour import Downpour
from .parameter_server import ParameterServer
from .replicas import Replicas, Team

__all__ = [
    "AllReduce",
    "Alone",
    "Context",
    "Downpour",
    "ParameterServer",
    "Properties",
    "Replicas",
    "SyncStrategy",
    "Team",
]
