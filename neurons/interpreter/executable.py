"""The class that the interpreter makes a layer's neurons of: the user's, in float32, with the layer's numbers."""

from __future__ import annotations

from typing import Any

from ..neuron import Neuron, states
from ..spec import Layer
from .numbers import number, rounded
from .single import SinglePrecision


def executable(single: SinglePrecision, layer: Layer, index: int) -> type[Neuron]:
    """A class that the user never sees, by the name of the user's own.

    Args:
        single: makes the user's methods compute in float32.
        layer: the layer; its hyperparameters hide the class's own.
        index: the layer's index in the network.
    """
    kept = states(layer.neuron)

    def set_rounded(self: Neuron, name: str, value: Any) -> None:
        object.__setattr__(self, name, number(value, f"self.{name}") if name in kept else rounded(value))

    cls = layer.neuron
    numbers = {name: rounded(value) for name, value in layer.hyperparameters.items()}
    return type(cls.__name__, (single.copy_class(cls),), {**numbers, "layer": index, "__setattr__": set_rounded})
