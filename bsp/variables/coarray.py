"""A co-array: an array of each member, parts of which the others read and write."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError
from ..messages import Line, cast
from .base import Remote
from .future import Future
from .indexing import Place, is_basic, key_of, place_of

Array = NDArray[Any]

_ACCUMULATE: dict[str, np.ufunc] = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum}


class Coarray(Remote):
    """One member's array, and its way to those of the others; see `Group.coarray`.

    An index is what NumPy takes: whole numbers, slices, an Ellipsis, arrays of whole numbers or booleans, and tuples of
    these; by default the whole array.

    Args:
        line: carries puts and gets.
        local: this member's array.

    Attributes:
        local: this member's array, to be read and written at will.
    """

    def __init__(self, line: Line, local: Array) -> None:
        super().__init__(line)
        self.local = local

    def put(self, to: int, values: Any, index: Any = ...) -> None:
        """Write into a member's array at the end of the superstep.

        Puts take effect in the order of (sender, sequence), after all gets.

        Args:
            to: the member, in [0, num_peers).
            values: numbers that can be broadcast to what the index selects; copied here and now.
            index: where to.

        Raises:
            BSPError: no such member, or an index, shape or dtype that does not fit.

        Cost: h·g, h = bytes of the values and of the index.
        """
        self._send(to, values, index, "")

    def accumulate(self, to: int, values: Any, index: Any = ..., op: str = "sum") -> None:
        """As `put`, but join the values with what is there. An element that the index names twice is joined twice.

        Args:
            to: the member, in [0, num_peers).
            values: see `put`.
            index: see `put`.
            op: "sum", "prod", "min" or "max".

        Raises:
            BSPError: no such operation, or as `put`.

        Cost: h·g, h = bytes of the values and of the index.
        """
        if op not in _ACCUMULATE:
            raise BSPError(f"the operation must be one of {', '.join(_ACCUMULATE)}, got {op!r}")
        self._send(to, values, index, op)

    def get(self, owner: int, index: Any = ...) -> Future:
        """Ask for a part of a member's array, as it is at the end of the superstep before any put takes effect.

        Args:
            owner: the member, in [0, num_peers).
            index: which part.

        Returns:
            The array, or scalar, to come: readable after the next `sync()`.

        Raises:
            BSPError: no such member, or an index that does not fit.

        Cost: h·g, h = bytes of the part and of the index; `sync` costs 2·l where any member gets.
        """
        return self._get(owner, place_of(index, self.local.shape)[0])

    def _send(self, to: int, values: Any, index: Any, how: str) -> None:
        place, selected = place_of(index, self.local.shape)
        array = cast(np.asarray(values), self.local.dtype)
        try:
            fits = np.broadcast_shapes(array.shape, selected) == selected
        except ValueError:
            fits = False
        if not fits:
            raise BSPError(f"the index selects the shape {selected}, got values of shape {array.shape}")
        self._put(to, place, array, how)

    def _read(self, place: Place) -> object:
        part: object = self.local[key_of(place)]
        return part

    def _write(self, place: Place, value: Array, how: str) -> None:
        key = key_of(place)
        if not how:
            self.local[key] = value
        elif is_basic(place):
            self.local[key] = _ACCUMULATE[how](self.local[key], value)
        else:
            _ACCUMULATE[how].at(self.local, key, value)
