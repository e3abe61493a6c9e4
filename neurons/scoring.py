"""Targets as the engines use them, and the count of right answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dense_targets(targets: NDArray[np.generic], units: int) -> NDArray[np.float32]:
    """Targets with one column per output unit, float32, shape (examples, units).

    Args:
        targets: class labels, integers of shape (examples,), or numbers of shape (examples, units). For a single
            unit the labels 0 and 1 are the targets themselves.
        units: number of output units.

    Raises:
        ValueError: another shape, or a label out of range.
    """
    if targets.shape == (len(targets), units):
        return targets.astype(np.float32, copy=False)
    if targets.ndim != 1 or targets.dtype.kind not in "iub":
        raise ValueError(
            f"targets must be integer labels of shape (examples,) or numbers of shape (examples, {units}), "
            f"got {targets.dtype} of shape {targets.shape}"
        )
    labels = targets.astype(np.int64)
    classes = max(units, 2)
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels must be in [0, {classes}), got {labels.min()} to {labels.max()}")
    if units == 1:
        return labels.astype(np.float32)[:, None]
    dense = np.zeros((len(labels), units), np.float32)
    dense[np.arange(len(labels)), labels] = 1.0
    return dense


def count_correct(outputs: NDArray[np.float32], targets: NDArray[np.float32]) -> int:
    """Examples whose largest output is the target's; for a single unit, on the target's side of 1/2.

    Args:
        outputs: shape (examples, units).
        targets: shape (examples, units), see `dense_targets`.
    """
    if outputs.shape[1] == 1:
        return int(np.count_nonzero((outputs > 0.5) == (targets > 0.5)))
    return int(np.count_nonzero(outputs.argmax(axis=1) == targets.argmax(axis=1)))
