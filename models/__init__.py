"""Layered networks, their training in parallel, and what keeps them: data, schedules, files."""

from .convergence import Convergence
from .data import DataError, Dataset, DataUnavailable, ScaledArray, digits, mnist, mnist_or_digits
from .errors import ModelFileError, TrainingDiverged, WorkerLost
from .history import Evaluation, History, ValidationRecord
from .network import NeuralNetwork
from .parameters import ParameterList
from .schedules import ConstantSchedule, ExponentialSchedule, LinearSchedule, Schedule
from .servers import Servers, Store
from .states import LayerStates
from .strategies import AllReduce, Context, Downpour, ParameterServer, Properties, Replicas, SyncStrategy
from .topology import Topology

__all__ = [
    "AllReduce",
    "ConstantSchedule",
    "Context",
    "Convergence",
    "DataError",
    "DataUnavailable",
    "Dataset",
    "Downpour",
    "Evaluation",
    "ExponentialSchedule",
    "History",
    "LayerStates",
    "LinearSchedule",
    "ModelFileError",
    "NeuralNetwork",
    "ParameterList",
    "ParameterServer",
    "Properties",
    "Replicas",
    "ScaledArray",
    "Schedule",
    "Servers",
    "Store",
    "SyncStrategy",
    "Topology",
    "TrainingDiverged",
    "ValidationRecord",
    "WorkerLost",
    "digits",
    "mnist",
    "mnist_or_digits",
]
