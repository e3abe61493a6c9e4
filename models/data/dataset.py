"""What every data set of Horn looks like, and how it is divided anew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import require_count, require_proper_share
from ..streams import SPLIT, generator
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

    def split(self, train: float = 0.7, *, seed: int = 0) -> Dataset:
        """All examples, of both parts, divided anew at random; the examples are copied.

        Args:
            train: share of the examples to train on, in (0, 1); their number is rounded.
            seed: another one gives another division; the same one always the same.

        Raises:
            TypeError: `train` is no number or `seed` no whole number.
            ValueError: one of them out of its range, a part without examples, or parts of different scales.
        """
        require_proper_share("train", train)
        if self.x_train.scale != self.x_test.scale:
            scales = f"{self.x_train.scale:g} and {self.x_test.scale:g}"
            raise ValueError(f"the parts of {self.name} have the scales {scales}: bring them to one before dividing")
        pixels = np.concatenate([self.x_train.array, self.x_test.array])
        labels = np.concatenate([self.y_train, self.y_test])
        count = round(len(labels) * train)
        if not 0 < count < len(labels):
            raise ValueError(f"train={train:g} of {len(labels)} examples are {count}: both parts need one at least")
        order = generator(require_count("seed", seed, least=0), SPLIT, 0).permutation(len(labels))
        first, second = order[:count], order[count:]
        scale = self.x_train.scale
        return self._replace(
            x_train=ScaledArray(pixels[first], scale),
            y_train=labels[first],
            x_test=ScaledArray(pixels[second], scale),
            y_test=labels[second],
        )
