"""Layered networks, their training in parallel, and what keeps them: data, schedules, files."""

from .convergence import Convergence
from .data import DataError, Dataset, DataUnavailable, ScaledArray, digits, mnist, mnist_or_digits
from .errors import ModelFileError, TrainingDiverged, WorkerLost
from .history import Evaluation, History, ValidationRecord
from .network import NeuralNetwork
from .optimizers import (
    LBFGS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    ConjugateGradients,
    GradientDescent,
    Minimizer,
    Nesterov,
    Objective,
    Optimizer,
    RMSProp,
    Stretch,
)
from .parameters import ParameterList
from .schedules import ConstantSchedule, ExponentialSchedule, LinearSchedule, Schedule
from .servers import Servers, Store
from .states import LayerStates
from .strategies import AllReduce, Context, Downpour, ParameterServer, Properties, Replicas, SyncStrategy
from .topology import Topology

__all__ = [
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AllReduce",
    "ConjugateGradients",
    "ConstantSchedule",
    "Context",
    "Convergence",
    "DataError",
    "DataUnavailable",
    "Dataset",
    "Downpour",
    "Evaluation",
    "ExponentialSchedule",
    "GradientDescent",
    "History",
    "LayerStates",
    "LinearSchedule",
    "Minimizer",
    "ModelFileError",
    "Nesterov",
    "NeuralNetwork",
    "Objective",
    "Optimizer",
    "ParameterList",
    "ParameterServer",
    "Properties",
    "RMSProp",
    "Replicas",
    "ScaledArray",
    "Schedule",
    "Servers",
    "Store",
    "Stretch",
    "SyncStrategy",
    "Topology",
    "TrainingDiverged",
    "ValidationRecord",
    "WorkerLost",
    "digits",
    "mnist",
    "mnist_or_digits",
]
