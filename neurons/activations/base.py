"""What an activation is: a scalar function and its slope.

`Activation` defines `apply(x)` and `derivative(y)`, the slope as a function of the output ``y = apply(x)``; where the
slope is no function of the output (GELU), `derivative(y, x)`. Both are scalar Python that the compiler reads, under
the same rules as a neuron's methods. Attributes of the object that are numbers are constants of the compiled code.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from ..errors import NeuronError, definition

if TYPE_CHECKING:
    from ..interlayer import Interlayer


class Activation(ABC):
    """A scalar activation function.

    Attributes:
        interlayer: a normalization of the whole layer's outputs that goes with the activation (Softmax), or None.
    """

    interlayer: ClassVar[Interlayer | None] = None

    @abstractmethod
    def apply(self, x: float) -> float:
        """The activation at `x`."""

    # The slope: derivative(self, y), or derivative(self, y, x). The number of arguments is the author's choice.
    derivative: ClassVar[Callable[..., float]]

    @classmethod
    def needs_point(cls) -> bool:
        """True where `derivative` takes ``(y, x)`` and not only the output ``y``."""
        slope = getattr(cls, "derivative", None)
        if not callable(slope):
            raise NeuronError(f"{cls.__name__} has no derivative(self, y) or derivative(self, y, x): write one")
        arguments = len(inspect.signature(slope).parameters)
        if arguments not in (2, 3):
            raise NeuronError(
                f"{cls.__name__}.derivative must be derivative(self, y) or derivative(self, y, x)", definition(slope)
            )
        return arguments == 3


def as_activation(activation: Activation | type[Activation]) -> Activation:
    """An activation object, from an object or a class without arguments.

    Raises:
        NeuronError: `activation` is neither.
    """
    if isinstance(activation, type) and issubclass(activation, Activation):
        activation = activation()
    if not isinstance(activation, Activation):
        raise NeuronError(
            f"an activation must be an Activation or a subclass of it, got {activation!r}: pass a class or an object, "
            "such as ReLU, or write a subclass with apply and derivative"
        )
    activation.needs_point()
    return activation
