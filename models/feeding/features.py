"""Inputs of many examples as the engines want them, whatever the user brought, in memory or elsewhere.

Features are one matrix (examples, features) of real numbers, and a scale. What lies in memory is looked through once,
before anything starts: float32 and integers that somebody scales stay as they are, other numbers become float32.
What lies elsewhere (a mapped file, anything sliceable that is no NumPy array) is never read as a whole: rows are
converted when a batch takes them, and looked at then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..checks import ROWS_PER_LOOK, require_finite, require_width
from ..data import ScaledArray
from .mapped import mapping_of


class Sliceable(Protocol):
    """Anything that is sliced like an array: an array, a memory-mapped file, a data set of an HDF5 file."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True)
class Features:
    """Inputs of many examples.

    Args:
        array: real numbers of any type, shape (examples, features).
        scale: what one unit of them is worth.
        elsewhere: True where they do not lie in memory: then nobody has looked whether they are finite.
        name: what to call them in errors.
    """

    array: Sliceable
    scale: float = 1.0
    elsewhere: bool = False
    name: str = "x"

    def __len__(self) -> int:
        return len(self.array)

    @property
    def width(self) -> int:
        """Features of an example."""
        return self.array.shape[1]

    @property
    def is_unknown(self) -> bool:
        """True where rows may hold what is not finite, and are looked at whenever they are read."""
        return self.elsewhere and np.dtype(self.array.dtype).kind == "f"

    @property
    def looks_unscaled(self) -> bool:
        """True where the first examples hold bytes above 1 that nobody scales: images on which training stalls."""
        return self.array.dtype == np.uint8 and self.scale == 1.0 and bool((np.asarray(self.array[:100]) > 1).any())

    @property
    def is_plain(self) -> bool:
        """True for an array whose rows NumPy takes without copying all of it first."""
        array = self.array
        if not isinstance(array, np.ndarray):
            return False
        return array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Examples `start` to `stop` as float32.

        Raises:
            ValueError: NaN or infinity, where nobody has looked before.
        """
        part = np.asarray(self.array[start:stop])
        if part.dtype == np.float32 and self.scale == 1.0:
            part = np.ascontiguousarray(part)
        else:
            part = self._scaled(part, np.empty(part.shape, np.float32))
        if self.is_unknown:
            require_finite(self.name, part, first=start)
        return part

    def scratch(self, rows: int) -> NDArray[Any]:
        """What `gather` needs for so many rows: room for them as they are stored, if it has to convert them."""
        converted = self.is_plain and self.array.dtype != np.float32
        return np.empty((rows, self.width if converted else 0), self.array.dtype)

    def gather(self, rows: NDArray[np.int64], out: NDArray[np.float32], scratch: NDArray[Any]) -> None:
        """Put the examples `rows` into `out`; nothing but them is read.

        Args:
            rows: indices of examples.
            out: float32, shape (len(rows), features), overwritten.
            scratch: the first rows of what `scratch` gave, as many; overwritten.

        Raises:
            ValueError: NaN or infinity, where nobody has looked before.
        """
        array = self.array
        if not isinstance(array, np.ndarray):
            self._read_runs(rows, out)
        elif not self.is_plain:
            self._scaled(array[rows], out)
        # mode="clip": the indices are right by construction, and "raise" copies through a buffer
        elif array.dtype == np.float32:
            np.take(array, rows, axis=0, out=out, mode="clip")
        else:
            np.take(array, rows, axis=0, out=scratch, mode="clip")
            self._scaled(scratch, out)
        if self.is_unknown:
            require_finite(self.name, out, numbers=rows)

    def _read_runs(self, rows: NDArray[np.int64], out: NDArray[np.float32]) -> None:
        """Read rows that follow each other with one slice: all that something sliceable needs to understand."""
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        cuts = np.flatnonzero(np.diff(ascending) > 1) + 1
        for places in np.split(order, cuts) if len(order) else ():
            first, last = int(rows[places[0]]), int(rows[places[-1]])
            block = np.asarray(self.array[first : last + 1])
            out[places] = self._scaled(block, np.empty(block.shape, np.float32))[rows[places] - first]

    def _scaled(self, part: NDArray[Any], out: NDArray[np.float32]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):  # what is too large becomes infinite and is reported
            np.multiply(part, np.float32(self.scale), out=out, dtype=np.float32, casting="same_kind")
        return out


def as_features(x: Sliceable, features: int, name: str = "x") -> Features:
    """Inputs from what the user gave.

    Args:
        x: (examples, features) of any real numbers.
        features: units of the input layer.
        name: what to call it in errors.

    Raises:
        TypeError: not of numbers, or its slices are no arrays.
        ValueError: of another width, empty, or, in memory, not finite in float32.
    """
    stored: Sliceable = x.array if isinstance(x, ScaledArray) else x
    source = stored if _stays(stored) else np.asarray(stored)
    require_width(name, tuple(source.shape), features)
    dtype = np.dtype(source.dtype)
    if dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {dtype}, needed are real numbers: convert it, {name}.astype('float32')")
    scale = x.scale if isinstance(x, ScaledArray) else 1.0
    if not isinstance(source, np.ndarray) or mapping_of(source) is not None:
        _require_rows(name, source, features)
        return Features(source, scale, elsewhere=True, name=name)
    if isinstance(x, ScaledArray):
        return Features(source, scale, name=name)
    array = source if dtype in (np.float32, np.uint8) else _converted(source)
    require_finite(name, array)
    return Features(array, name=name)


def _stays(x: Sliceable) -> bool:
    """True for arrays, and for what is sliced like one and lies elsewhere; other libraries' arrays in memory do not."""
    if isinstance(x, np.ndarray):
        return True
    return isinstance(getattr(x, "dtype", None), np.dtype) and hasattr(x, "shape") and not hasattr(x, "__dlpack__")


def _require_rows(name: str, source: Sliceable, features: int) -> None:
    """Refuse what looks like an array and gives no rows when sliced, such as a sparse matrix."""
    row = source[:1]
    if np.shape(row) != (1, features) or np.asarray(row).dtype.kind not in "fiub":
        raise TypeError(
            f"{name}[:1] is a {type(row).__name__} of shape {np.shape(row)}: what is no NumPy array must give arrays "
            f"of shape (rows, {features}) when sliced; convert it to an array, or give a Stream of chunks"
        )


def _converted(source: NDArray[Any]) -> NDArray[np.float32]:
    """`source` as float32, a block of rows at a time: no temporary array of another type."""
    array = np.empty(source.shape, np.float32)
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is reported
        for start in range(0, len(array), ROWS_PER_LOOK):
            array[start : start + ROWS_PER_LOOK] = source[start : start + ROWS_PER_LOOK]
    return array
