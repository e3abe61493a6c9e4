"""The 5,000 digits: a small, fixed part of MNIST in the form of the second paper's task.

T. Alowaisheq, D. S. Dhami, "Distributed Neural Networks: A Parallel Approach": 5,000 grey images of digits, divided
70/30 at random, with the number of the split as the seed. Which 5,000 the paper does not say; the choice here is ours.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from .dataset import Dataset
from .handwritten import MIRRORS, mnist
from .scaled import ScaledArray

PER_CLASS = 500
SIDE, MARGIN = 28, 4  # of MNIST's images, in pixels; its digits were fitted into the inner 20 × 20


def digits5000(
    folder: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    train: float = 0.7,
    download: bool = True,
    mirrors: Sequence[str] = MIRRORS,
) -> Dataset:
    """500 digits of each class, 20 × 20 grey pixels, 10 classes, divided at random into a training and a test part.

    They are the first 500 of each class in MNIST's training set, without the margin of 4 pixels.

    Args:
        folder: where MNIST is looked for first; see `mnist`.
        seed: of the division, the number of the split.
        train: share of the 5,000 to train on.
        download: whether to download MNIST if it is not found.
        mirrors: addresses to download it from, tried in turn.

    Returns:
        The data set; images as rows of 400 bytes that read as float32 in [0, 1].

    Raises:
        DataUnavailable: MNIST was neither found nor downloaded.
        DataError: its files are incomplete, truncated or have a wrong checksum.
        TypeError, ValueError: `seed` or `train` out of its range; see `Dataset.split`.
    """
    whole = mnist(folder, download=download, mirrors=mirrors)
    chosen = np.sort(
        np.concatenate([np.flatnonzero(whole.y_train == digit)[:PER_CLASS] for digit in range(whole.classes)])
    )
    images = whole.x_train.array[chosen].reshape(-1, SIDE, SIDE)
    inner = images[:, MARGIN:-MARGIN, MARGIN:-MARGIN].reshape(len(chosen), -1)
    pixels, labels = ScaledArray(inner, whole.x_train.scale), whole.y_train[chosen]
    none = ScaledArray(inner[:0], pixels.scale)
    return Dataset("the 5,000 digits", pixels, labels, none, labels[:0], whole.classes).split(train, seed=seed)
