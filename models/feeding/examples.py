"""Training data as the engines want it, whatever the user brought: inputs, what should come of them, their weights.

Labels become int64 of shape (examples,), targets float32 of shape (examples, units), weights float32 (examples,): these
lie in memory. Inputs need not, see `features`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import require_finite
from .features import Features, Sliceable, as_features


@dataclass(frozen=True)
class Examples:
    """Inputs and what the network should make of them.

    Args:
        features: the inputs.
        targets: int64 labels (examples,), or float32 (examples, units).
        weights: float32 (examples,), what each example's cost counts; None: 1 each.
    """

    features: Features
    targets: NDArray[Any]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def looks_unscaled(self) -> bool:
        """See `Features`."""
        return self.features.looks_unscaled


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
    return _finite(array, name)


def as_weights(weights: Any, examples: int, name: str = "sample_weight") -> NDArray[np.float32]:
    """Weights of the examples from what the user gave.

    Args:
        weights: (examples,) of real numbers of at least 0.
        examples: number of examples.
        name: what to call it in errors.

    Raises:
        TypeError: not of numbers.
        ValueError: of another shape, negative, or not finite.
    """
    array = np.asarray(weights)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {array.dtype}, needed are real numbers of at least 0")
    if array.shape != (examples,):
        raise ValueError(f"{name} has shape {array.shape}, needed is one weight for each example: ({examples},)")
    array = _finite(array, name)
    if (array < 0).any():
        place = int(np.flatnonzero(array < 0)[0])
        raise ValueError(f"{name}[{place}] is {array[place]}: weights must be at least 0; 0 leaves an example out")
    return array


def _finite(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is reported
        converted = np.ascontiguousarray(array, np.float32)
    require_finite(name, converted)
    return converted


def as_examples(
    x: Sliceable,
    y: Any,
    features: int,
    units: int,
    names: tuple[str, ...] = ("x", "y", "sample_weight"),
    weights: Any = None,
) -> Examples:
    """Inputs, labels or targets, weights, checked and converted; see `as_features`, `as_targets`, `as_weights`."""
    inputs = as_features(x, features, names[0])
    targets = as_targets(y, len(inputs), units, names[1])
    return Examples(inputs, targets, None if weights is None else as_weights(weights, len(inputs), names[2]))
