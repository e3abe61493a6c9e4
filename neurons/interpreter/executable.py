"""The class that the interpreter makes a layer's neurons of: the user's, rounded, with the layer's numbers."""

from __future__ import annotations

from typing import Any

from ..neuron import Neuron, states
from ..spec import Layer
from .copies import Copies


def executable(copies: Copies, layer: Layer, index: int) -> type[Neuron]:
    """A class that the user never sees, by the name of the user's own.

    Args:
        copies: makes the user's methods compute in the network's precision.
        layer: the layer; its hyperparameters hide the class's own.
        index: the layer's index in the network.
    """
    kept = states(layer.neuron)
    number, rounded = copies.numbers.number, copies.numbers.rounded

    def set_rounded(self: Neuron, name: str, value: Any) -> None:
        object.__setattr__(self, name, number(value, f"self.{name}") if name in kept else rounded(value))

    cls = layer.neuron
    numbers = {name: rounded(value) for name, value in layer.hyperparameters.items()}
    return type(cls.__name__, (copies.copy_class(cls),), {**numbers, "layer": index, "__setattr__": set_rounded})
