"""Neurons: the language of one neuron, and what executes networks of them, arrays in, arrays out."""

from typing import TYPE_CHECKING

from .activations import GELU, Activation, Identity, ReLU, Sigmoid, Softmax, Tanh
from .costs import CategoricalCrossEntropy, Cost, CrossEntropy, SquaredError
from .dropout import DropoutNeuron
from .engine import Batch, Engine, Rates, Score
from .errors import NeuronError
from .interlayer import FunctionInterlayer, Interlayer
from .neuron import Neuron
from .spec import Block, Dense, Layer, NetworkSpec
from .standard import StandardNeuron

__all__ = [
    "GELU",
    "Activation",
    "Batch",
    "Block",
    "CategoricalCrossEntropy",
    "Cost",
    "CrossEntropy",
    "Dense",
    "DropoutNeuron",
    "Engine",
    "FunctionInterlayer",
    "Identity",
    "Interlayer",
    "Interpreter",
    "Layer",
    "NetworkSpec",
    "Neuron",
    "NeuronError",
    "Rates",
    "ReLU",
    "Score",
    "Sigmoid",
    "Softmax",
    "SquaredError",
    "StandardNeuron",
    "Tanh",
]

if TYPE_CHECKING:
    from .interpreter import Interpreter
else:

    def __getattr__(name: str) -> object:
        """Import an engine when it is first asked for: numba, on which it rests, takes a quarter of a second."""
        if name == "Interpreter":
            from .interpreter import Interpreter

            return Interpreter
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
