"""How everything that a neuron holds becomes float32.

Numbers come to a neuron as ``np.float32``, whose arithmetic with each other and with Python's own numbers stays float32
(NEP 50). What is left are the attributes: a class made here rounds each when it is assigned.

In annotations such a number is a ``float``, which is what the language calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, cast

import numpy as np

from ..errors import NeuronError
from ..neuron import Neuron
from .blame import calling_line


def float32(value: Any) -> float:
    """A number as ``np.float32``."""
    return cast(float, np.float32(value))


ZERO = float32(0)
ONE = float32(1)


def rounded(value: Any) -> Any:
    """Floating-point numbers as float32, everything else as it is."""
    return float32(value) if isinstance(value, (float, np.floating)) else value


def number(value: object, what: str) -> float:
    """A number given by the user, as float32.

    Raises:
        NeuronError: it is none; `what` says what it was given to.
    """
    if not isinstance(value, (Real, np.bool_)):
        raise NeuronError(f"{what} needs a number, got {value!r}", calling_line())
    return float32(value)


def executable(cls: type[Neuron], hyperparameters: Mapping[str, float | int | bool], layer: int) -> type[Neuron]:
    """The neuron class of one layer, ready to be made objects of: a subclass that the user never sees.

    Args:
        cls: the user's class.
        hyperparameters: the numbers of that layer; they hide the class's own.
        layer: the layer's index.
    """

    def set_rounded(self: Neuron, name: str, value: Any) -> None:
        object.__setattr__(self, name, rounded(value))

    attributes = {name: rounded(value) for name, value in hyperparameters.items()}
    attributes |= {"layer": layer, "__setattr__": set_rounded, "__module__": cls.__module__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), attributes)
