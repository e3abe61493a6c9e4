"""What every data set of Horn looks like."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scaled import ScaledArray


class Dataset(NamedTuple):
    """A classification task, split into a training and a test part.

    Attributes:
        name: what the set is called in messages.
        x_train: training examples, (n, features), values in [0, 1].
        y_train: their labels, (n,), integers in [0, classes).
        x_test: test examples, (m, features).
        y_test: their labels, (m,).
        classes: number of classes.
    """

    name: str
    x_train: ScaledArray
    y_train: NDArray[np.int64]
    x_test: ScaledArray
    y_test: NDArray[np.int64]
    classes: int
