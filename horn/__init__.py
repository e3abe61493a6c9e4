"""Horn: neuron-centric training of neural networks in parallel.

What most programs use can be imported from here; each name lives in one of the three packages, and is imported from
it when it is first asked for, so that `horn.bsp` alone does not load the compiler:

- `horn.neurons`: the language of one neuron, activations, costs, and the engines that run them;
- `horn.models`: networks, their training in parallel, data, model files;
- `horn.bsp`: Bulk Synchronous Parallel jobs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bsp import BSP, BSPError, BSPJob, Peer
    from .models import (
        AllReduce,
        ConstantSchedule,
        Convergence,
        ExponentialSchedule,
        LinearSchedule,
        ModelFileError,
        NeuralNetwork,
        SyncStrategy,
        mnist,
    )
    from .neurons import (
        GELU,
        Activation,
        CategoricalCrossEntropy,
        Cost,
        CrossEntropy,
        DropoutNeuron,
        Identity,
        Neuron,
        NeuronError,
        ReLU,
        Sigmoid,
        Softmax,
        SquaredError,
        StandardNeuron,
        State,
        SynapseState,
        Tanh,
    )

__all__ = [
    "BSP",
    "GELU",
    "Activation",
    "AllReduce",
    "BSPError",
    "BSPJob",
    "CategoricalCrossEntropy",
    "ConstantSchedule",
    "Convergence",
    "Cost",
    "CrossEntropy",
    "DropoutNeuron",
    "ExponentialSchedule",
    "Identity",
    "LinearSchedule",
    "ModelFileError",
    "NeuralNetwork",
    "Neuron",
    "NeuronError",
    "Peer",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "SquaredError",
    "StandardNeuron",
    "State",
    "SynapseState",
    "SyncStrategy",
    "Tanh",
    "mnist",
]


def __getattr__(name: str) -> object:
    """Find a public name in its package; `bsp`, the lightest, is looked into first."""
    if name in __all__:
        for package in ("bsp", "neurons", "models"):
            home = import_module(f".{package}", __name__)
            if name in home.__all__:
                return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
