"""The class that the interpreter makes a layer's neurons of: the user's, rounded, with the layer's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compiler.derivatives.complete import Completion
from ..neuron import Neuron, states
from ..spec import Layer
from .copies import Copies
from .messages import Backward, Messages
from .runs import BackwardRun


def executable(copies: Copies, layer: Layer, index: int, completion: Completion) -> type[Neuron]:
    """A class that the user never sees, by the name of the user's own.

    Args:
        copies: makes the user's methods compute in the network's precision.
        layer: the layer; its hyperparameters hide the class's own.
        index: the layer's index in the network.
        completion: what of its `backward` Horn adds.
    """
    kept = states(layer.neuron)
    number, rounded = copies.numbers.number, copies.numbers.rounded

    def set_rounded(self: Neuron, name: str, value: Any) -> None:
        object.__setattr__(self, name, number(value, f"self.{name}") if name in kept else rounded(value))

    cls = layer.neuron
    members: dict[str, Any] = {name: rounded(value) for name, value in layer.hyperparameters.items()}
    members |= {"layer": index, "__setattr__": set_rounded}
    if completion is Completion.ALL:
        members["backward"] = _backward
    base = copies.copy_class(cls)
    if completion is Completion.DELTA:
        members["backward"] = _with_delta(base.backward)
    return type(cls.__name__, (base,), members)


def _backward(self: Neuron, messages: Messages[Backward]) -> None:
    """What Horn adds where there is no `backward` (see `compiler.derivatives.complete`)."""
    gradient: float = 0
    for m in messages:
        gradient += m.input_gradient
        self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
    self.backpropagate(gradient * _output_slope(self))


def _with_delta(written: Callable[[Neuron, Messages[Backward]], None]) -> Callable[[Neuron, Messages[Backward]], None]:
    """A `backward` that gives only the push, and the delta behind it."""

    def backward(self: Neuron, messages: Messages[Backward]) -> None:
        written(self, messages)
        gradient: float = 0
        for m in messages:
            gradient += m.input_gradient
        self.backpropagate(gradient * _output_slope(self))

    return backward


def _output_slope(neuron: Neuron) -> float:
    assert isinstance(neuron._host, BackwardRun)
    return neuron._host.output_slope()
