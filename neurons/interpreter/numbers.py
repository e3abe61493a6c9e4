"""The numbers that the interpreter computes in. In annotations they are ``float``, as the language says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, cast

import numpy as np

from ..errors import NeuronError
from ..spec import Precision
from .blame import calling_line


class Items(np.ndarray[Any, np.dtype[Any]]):
    """An array of the user's whose whole numbers and truth values are Python's, as all others in a neuron."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found.item() if isinstance(found, (np.integer, np.bool_)) else found


@dataclass(frozen=True)
class Numbers:
    """Floating-point numbers of one precision.

    Args:
        kind: ``np.float32`` or ``np.float64``.
    """

    kind: Precision

    @cached_property
    def zero(self) -> float:
        """0."""
        return self.real(0)

    @cached_property
    def one(self) -> float:
        """1."""
        return self.real(1)

    def real(self, value: Any) -> float:
        """A number in this precision."""
        return cast(float, self.kind(value))

    def rounded(self, value: Any) -> Any:
        """Floating-point numbers, and those in a tuple or an array, in this precision; everything else as it is."""
        if type(value) is tuple:
            return tuple(self.rounded(item) for item in value)
        if isinstance(value, np.ndarray):
            if not value.ndim:  # what np.where gives for numbers
                return self.rounded(value.item())
            return (value.astype(self.kind) if value.dtype.kind == "f" else value).view(Items)
        return self.real(value) if isinstance(value, (float, np.floating)) else value

    def number(self, value: object, what: str) -> float:
        """A number given by the user, in this precision.

        Raises:
            NeuronError: it is none; `what` says what it was given to.
        """
        if isinstance(value, np.ndarray) and not value.ndim:
            value = value.item()
        if not isinstance(value, (Real, np.bool_)):
            raise NeuronError(f"{what} needs a number, got {value!r}", calling_line())
        return self.real(value)
