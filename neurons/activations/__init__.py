"""Activations: what a neuron does with its weighted sum. A member is one scalar function and its slope."""

from .base import Activation, as_activation
from .gelu import GELU
from .identity import Identity
from .relu import ReLU
from .sigmoid import Sigmoid
from .softmax import Softmax, SoftmaxNormalization
from .tanh import Tanh

__all__ = [
    "GELU",
    "Activation",
    "Identity",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxNormalization",
    "Tanh",
    "as_activation",
]
