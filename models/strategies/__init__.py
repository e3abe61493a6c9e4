"""Synchronization strategies: what becomes of the updates of a network's replicas."""

from .allreduce import AllReduce
from .alone import Alone
from .base import Context, Properties, SyncStrategy
from .compression import Codec, Compressed, EightBit, TopK
from .downpour import Downpour
from .elastic_averaging import ElasticAveraging
from .gossip import Gossip
from .hybrid import Hybrid
from .local_sgd import LocalSGD
from .model_averaging import ModelAveraging
from .parameter_server import ParameterServer
from .replicas import Replicas, Team
from .sandblaster import SandblasterLBFGS
from .stale_synchronous import StaleSynchronous

__all__ = [
    "AllReduce",
    "Alone",
    "Codec",
    "Compressed",
    "Context",
    "Downpour",
    "EightBit",
    "ElasticAveraging",
    "Gossip",
    "Hybrid",
    "LocalSGD",
    "ModelAveraging",
    "ParameterServer",
    "Properties",
    "Replicas",
    "SandblasterLBFGS",
    "StaleSynchronous",
    "SyncStrategy",
    "Team",
    "TopK",
]
