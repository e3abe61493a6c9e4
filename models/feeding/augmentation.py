"""The user's function that changes inputs before they are computed: called on a peer's part of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checks import require_finite
from ..data import ExampleDraws

#: ``augment(x, rng)``: from float32 (examples, features), which it may change, to what is computed instead.
Augment: TypeAlias = Callable[[NDArray[np.float32], ExampleDraws], Any]


class Augmentation:
    """Applies the user's function.

    Args:
        augment: the function.
        seed: the network's seed.
    """

    def __init__(self, augment: Augment, seed: int) -> None:
        self._augment, self._seed = augment, seed

    def apply(self, inputs: NDArray[np.float32], positions: NDArray[np.uint32], step: int) -> None:
        """Change `inputs`.

        Args:
            inputs: (examples, features), overwritten.
            positions: of the examples in the job's batch.
            step: number of the training step.

        Raises:
            TypeError: the function returned something else than real numbers.
            ValueError: of another shape, or not finite.
        """
        result = self._augment(inputs, ExampleDraws(self._seed, step, positions))
        changed = np.asarray(result)
        if changed.dtype.kind not in "fiub":
            seen = "None" if result is None else f"{type(result).__name__} of {changed.dtype}"
            raise TypeError(
                f"augment returned {seen}: it must return the changed examples, real numbers of shape {inputs.shape}, "
                "also where it changes x in place"
            )
        if changed.shape != inputs.shape:
            raise ValueError(
                f"augment returned shape {changed.shape} for x of shape {inputs.shape}: it must keep the shape"
            )
        if result is not inputs:
            with np.errstate(over="ignore"):  # what is too large becomes infinite and is reported
                np.copyto(inputs, changed, casting="same_kind")
        require_finite("augment(x)", inputs, numbers=positions)
