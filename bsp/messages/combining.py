"""Combiners: messages for the same receiver become one at the sender, before they travel."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoding import decode, encode
from ..errors import BSPError

Array = NDArray[Any]
Combine = Callable[[Any, Any], Any]


def _least(a: Any, b: Any) -> Any:
    return np.minimum(a, b) if isinstance(a, np.ndarray) else min(a, b)


def _most(a: Any, b: Any) -> Any:
    return np.maximum(a, b) if isinstance(a, np.ndarray) else max(a, b)


_FUNCTIONS: dict[str, Combine] = {"sum": operator.add, "min": _least, "max": _most}
_UFUNCS: dict[str, np.ufunc] = {"sum": np.add, "min": np.minimum, "max": np.maximum}


def function_of(combine: str | Combine) -> Combine:
    """Return the function of two messages that a combiner stands for. Raises BSPError."""
    if isinstance(combine, str) and combine in _FUNCTIONS:
        return _FUNCTIONS[combine]
    if isinstance(combine, str) or not callable(combine):
        raise BSPError(f"a combiner must be sum, min, max or a function of two messages, got {combine!r}")
    return combine


def ufunc_of(combine: str | np.ufunc) -> np.ufunc:
    """Return the ufunc that joins the items of a queue. Raises BSPError."""
    if isinstance(combine, str) and combine in _UFUNCS:
        return _UFUNCS[combine]
    if isinstance(combine, np.ufunc) and combine.nin == 2 and combine.nout == 1 and combine.signature is None:
        return combine
    raise BSPError(f"items are combined by sum, min, max or a ufunc of two arguments, got {combine!r}")


class Combiner:
    """Joins what one member sends.

    Args:
        function: joins two messages; associative, and free to change the first.
    """

    def __init__(self, function: Combine) -> None:
        self._function = function
        self._joined: dict[int, Any] = {}

    def add(self, to: int, value: object) -> None:
        """Join a message with those for the same receiver; it is copied here and now."""
        mine = decode(encode(value))
        self._joined[to] = self._function(self._joined[to], mine) if to in self._joined else mine

    def take(self) -> dict[int, Any]:
        """Return what was joined, by receiver, and forget it."""
        joined, self._joined = self._joined, {}
        return joined


def combined(items: Array, ufunc: np.ufunc, key: str | None) -> Array:
    """Return items joined: those of one key, the keys ascending; without a key all, each field by itself."""
    if key is None:
        starts = np.zeros(1, np.intp)
    else:
        items = items[np.argsort(items[key], kind="stable")]
        keys = items[key]
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    if items.dtype.names is None:
        return ufunc.reduceat(items, starts, dtype=items.dtype)
    joined = items[starts]
    for name in items.dtype.names:
        if name != key:
            joined[name] = ufunc.reduceat(items[name], starts, dtype=items[name].dtype)
    return joined
