"""Training data as the engines want it, whatever the user brought.

Features become one matrix (examples, features) of float32 or of bytes with a scale; bytes stay bytes until a batch is
gathered. Labels become int64 of shape (examples,), targets float32 of shape (examples, units).

What is converted: other floats and other integers to float32, booleans too; labels of any integer type to int64. Plain
uint8 arrays keep their values 0..255; a `ScaledArray` brings a scale. float32 and uint8 arrays are not copied, and
memory-mapped ones are read row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from .checks import ROWS_PER_LOOK, require_finite, require_width
from .data import ScaledArray


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
        array: uint8 or float32, shape (examples, features).
        scale: what one unit of a byte is worth; 1 for float32.
    """

    array: NDArray[np.uint8] | NDArray[np.float32]
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.array)

    @property
    def looks_unscaled(self) -> bool:
        """True where the first examples hold bytes above 1 that nobody scales: images on which training stalls."""
        return self.array.dtype == np.uint8 and self.scale == 1.0 and bool((self.array[:100] > 1).any())

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Examples `start` to `stop` as float32."""
        part = np.asarray(self.array[start:stop])
        if part.dtype == np.float32:
            return np.ascontiguousarray(part, np.float32)
        return self._scaled(part, np.empty(part.shape, np.float32))

    def gather(self, rows: NDArray[np.int64], out: NDArray[np.float32], scratch: NDArray[np.uint8]) -> None:
        """Put the examples `rows` into `out`, without allocating.

        Args:
            rows: indices of examples.
            out: float32, shape (len(rows), features), overwritten.
            scratch: uint8 of the same shape, overwritten where the array holds bytes.
        """
        # mode="clip": the indices are right by construction, and "raise" copies through a buffer
        if self.array.dtype == np.float32:
            np.take(self.array, rows, axis=0, out=out, mode="clip")
        else:
            np.take(self.array, rows, axis=0, out=cast("NDArray[Any]", scratch), mode="clip")
            self._scaled(scratch, out)

    def _scaled(self, part: NDArray[Any], out: NDArray[np.float32]) -> NDArray[np.float32]:
        np.multiply(part, np.float32(self.scale), out=out, dtype=np.float32, casting="same_kind")
        return out


@dataclass(frozen=True)
class Examples:
    """Inputs and what the network should make of them.

    Args:
        features: the inputs.
        targets: int64 labels (examples,), or float32 (examples, units).
    """

    features: Features
    targets: NDArray[Any]

    def __len__(self) -> int:
        return len(self.features)


def as_features(x: Sliceable, features: int, name: str = "x") -> Features:
    """Inputs from what the user gave.

    Args:
        x: (examples, features) of any real numbers.
        features: units of the input layer.
        name: what to call it in errors.

    Raises:
        TypeError: not of numbers.
        ValueError: of another width, empty, or not finite in float32.
    """
    if isinstance(x, ScaledArray):
        inner = as_features(x.array, features, name)
        if inner.array.dtype == np.uint8:
            return Features(inner.array, x.scale)
        return Features(inner.array * np.float32(x.scale))
    source = x if isinstance(getattr(x, "dtype", None), np.dtype) else np.asarray(x)
    require_width(name, tuple(source.shape), features)
    dtype = np.dtype(source.dtype)
    if dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {dtype}, needed are real numbers: convert it, {name}.astype('float32')")
    array = source if isinstance(source, np.ndarray) and dtype in (np.float32, np.uint8) else _converted(source)
    require_finite(name, array)
    return Features(array)


def _converted(source: Sliceable) -> NDArray[np.float32]:
    """`source` as float32, a block of rows at a time: one copy, none of the original type."""
    array = np.empty(source.shape, np.float32)
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is reported
        for start in range(0, len(array), ROWS_PER_LOOK):
            array[start : start + ROWS_PER_LOOK] = source[start : start + ROWS_PER_LOOK]
    return array


def as_targets(y: Any, examples: int, units: int, name: str = "y") -> NDArray[np.int64] | NDArray[np.float32]:
    """Labels or targets from what the user gave.

    Args:
        y: integer labels (examples,) in [0, units), or targets (examples, units); for one output unit, (examples,) is
            taken as its targets.
        examples: number of examples that there are inputs for.
        units: units of the output layer.
        name: what to call it in errors.

    Raises:
        TypeError: not of numbers, or labels that are no integers.
        ValueError: of another length or width, labels out of range, or not finite.
    """
    array = np.asarray(y)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {array.dtype}: give integer labels, or targets of real numbers")
    if array.ndim not in (1, 2) or len(array) != examples:
        raise ValueError(
            f"{name} has shape {array.shape} for {examples} examples: give labels of shape ({examples},) "
            f"or targets of shape ({examples}, {units})"
        )
    if array.ndim == 1 and units == 1:
        array = array[:, None]
    return _labels(array, units, name) if array.ndim == 1 else _matrix(array, units, name)


def _labels(array: NDArray[Any], units: int, name: str) -> NDArray[np.int64]:
    if array.dtype.kind == "f":
        raise TypeError(
            f"{name} holds {array.dtype} numbers of shape {array.shape}: labels must be integers in [0, {units}), "
            f"{name}.astype('int64'); targets need the shape ({len(array)}, {units})"
        )
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest >= units:
        raise ValueError(
            f"{name} holds labels from {lowest} to {highest}, the output layer has {units} units: labels must be in "
            f"[0, {units}); number the classes from 0, or give output_layer a unit for each"
        )
    return np.ascontiguousarray(array, np.int64)


def _matrix(array: NDArray[Any], units: int, name: str) -> NDArray[np.float32]:
    if array.shape[1] != units:
        raise ValueError(
            f"{name} has shape {array.shape}, the output layer has {units} units: give targets of shape "
            f"({len(array)}, {units}), or labels of shape ({len(array)},)"
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is reported
        targets = np.ascontiguousarray(array, np.float32)
    require_finite(name, targets)
    return targets


def as_examples(x: Sliceable, y: Any, features: int, units: int, names: tuple[str, str] = ("x", "y")) -> Examples:
    """Inputs and labels or targets, checked and converted; see `as_features` and `as_targets`."""
    inputs = as_features(x, features, names[0])
    return Examples(inputs, as_targets(y, len(inputs), units, names[1]))
