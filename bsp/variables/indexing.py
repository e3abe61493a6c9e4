"""Indices of arrays as plain data, checked before they travel."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError

Array = NDArray[Any]
Place = list[Any]
"""An index that can be sent: whole numbers, [start, stop, step], int64 arrays, and "..."."""


def place_of(index: Any, shape: tuple[int, ...]) -> tuple[Place, tuple[int, ...]]:
    """Return an index as plain data, and the shape of what it selects of an array.

    Args:
        index: whole numbers, slices, an Ellipsis, arrays or lists of whole numbers or booleans, or a tuple of these.
        shape: the array's.

    Raises:
        BSPError: an index of another kind, or out of range.
    """
    place: Place = []
    try:
        for item in index if isinstance(index, tuple) else (index,):
            place += _plain(item)
        # An array of one element that is seen everywhere: tells what NumPy makes of the index, and costs nothing.
        selected = np.broadcast_to(np.zeros((), np.bool_), shape)[key_of(place)].shape
    except (TypeError, ValueError, IndexError) as error:
        raise BSPError(f"the index {index!r} does not fit an array of shape {shape}: {error}") from error
    return place, selected


def key_of(place: Place) -> tuple[Any, ...]:
    """Return what NumPy takes as index."""
    return tuple(slice(*item) if isinstance(item, list) else ... if isinstance(item, str) else item for item in place)


def is_basic(place: Place) -> bool:
    """Whether an index selects a regular part: no element twice."""
    return not any(isinstance(item, np.ndarray) for item in place)


def _plain(item: Any) -> Sequence[Any]:
    if isinstance(item, slice):
        parts = (item.start, item.stop, item.step)
        return [[None if part is None else operator.index(part) for part in parts]]
    if item is ...:
        return ["..."]
    if isinstance(item, (np.ndarray, list)) and np.ndim(item):
        array: Array = np.asarray(item)
        if array.dtype.kind == "b":
            return list(np.nonzero(array))
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"an array of {array.dtype} is no index")
        return [array.astype(np.int64)]
    return [operator.index(item)]
