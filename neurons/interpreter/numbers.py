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
    """Floating-point numbers, and those in a tuple, as float32; everything else as it is."""
    if type(value) is tuple:
        return tuple(rounded(item) for item in value)
    return float32(value) if isinstance(value, (float, np.floating)) else value


def number(value: object, what: str) -> float:
    """A number given by the user, as float32.

    Raises:
        NeuronError: it is none; `what` says what it was given to.
    """
    if not isinstance(value, (Real, np.bool_)):
        raise NeuronError(f"{what} needs a number, got {value!r}", calling_line())
    return float32(value)
