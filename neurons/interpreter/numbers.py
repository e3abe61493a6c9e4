"""Numbers, which the interpreter keeps as ``np.float32``. In annotations they are ``float``, as the language says."""

from __future__ import annotations

from numbers import Real
from typing import Any, cast

import numpy as np

from ..errors import NeuronError
from .blame import calling_line


def float32(value: Any) -> float:
    """A number as ``np.float32``."""
    return cast(float, np.float32(value))


ZERO = float32(0)
ONE = float32(1)


def rounded(value: Any) -> Any:
    """Floating-point numbers, and those in a tuple or an array, as float32; everything else as it is."""
    if type(value) is tuple:
        return tuple(rounded(item) for item in value)
    if isinstance(value, np.ndarray):
        return (value.astype(np.float32) if value.dtype.kind == "f" else value).view(Items)
    return float32(value) if isinstance(value, (float, np.floating)) else value


class Items(np.ndarray[Any, np.dtype[Any]]):
    """An array of the user's whose whole numbers and truth values are Python's, as all others in a neuron."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found.item() if isinstance(found, (np.integer, np.bool_)) else found


def number(value: object, what: str) -> float:
    """A number given by the user, as float32.

    Raises:
        NeuronError: it is none; `what` says what it was given to.
    """
    if not isinstance(value, (Real, np.bool_)):
        raise NeuronError(f"{what} needs a number, got {value!r}", calling_line())
    return float32(value)
