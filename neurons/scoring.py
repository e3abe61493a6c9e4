"""Targets as the engines use them, and the count of right answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import device, kernel


@kernel
def _mark(labels: Any, dense: Any) -> bool:
    """dense[e, labels[e]] = 1, all else 0; False where a label is out of range."""
    fits = True
    for e in range(dense.shape[0]):
        dense[e] = 0.0
        if 0 <= labels[e] < dense.shape[1]:
            dense[e, labels[e]] = 1.0
        else:
            fits = False
    return fits


@device
def _first_largest(row: Any) -> int:
    """NumPy's argmax: the place of the first NaN, or else of the first of the largest elements."""
    place = 0
    for i in range(1, len(row)):
        if row[i] > row[place] or (row[i] != row[i] and row[place] == row[place]):
            place = i
    return place


@kernel
def _matches(outputs: Any, targets: Any) -> int:
    """Rows whose first largest element is the same in both."""
    count = 0
    for e in range(outputs.shape[0]):
        if _first_largest(outputs[e]) == _first_largest(targets[e]):
            count += 1
    return count


def dense_targets(
    targets: NDArray[np.generic], units: int, precision: type[np.floating] = np.float32
) -> NDArray[np.floating]:
    """Targets with one column per output unit, shape (examples, units).

    Args:
        targets: class labels, integers of shape (examples,), or numbers of shape (examples, units). For a single
            unit the labels 0 and 1 are the targets themselves.
        units: number of output units.
        precision: the type of the result.

    Raises:
        ValueError: another shape, or a label out of range.
    """
    if targets.shape == (len(targets), units):
        return targets.astype(precision, copy=False)
    if targets.ndim != 1 or targets.dtype.kind not in "iub":
        raise ValueError(
            f"targets must be integer labels of shape (examples,) or numbers of shape (examples, {units}), "
            f"got {targets.dtype} of shape {targets.shape}"
        )
    labels = targets.astype(np.int64, copy=False)
    classes = max(units, 2)
    dense = np.empty((len(labels), classes), precision)
    if not _mark(labels, dense):
        raise ValueError(f"labels must be in [0, {classes}), got {labels.min()} to {labels.max()}")
    return dense[:, 1:] if units == 1 else dense


def count_correct(outputs: NDArray[np.floating], targets: NDArray[np.floating]) -> int:
    """Examples whose largest output is the target's; for a single unit, on the target's side of 1/2.

    Args:
        outputs: shape (examples, units).
        targets: shape (examples, units), see `dense_targets`.
    """
    if outputs.shape[1] == 1:
        return int(np.count_nonzero((outputs > 0.5) == (targets > 0.5)))
    return int(_matches(outputs, targets))
