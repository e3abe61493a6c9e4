"""From the numbers of examples to one peer's part of a batch, in buffers that are used again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch

from ..parts import Portion, Share
from .augmentation import Augmentation
from .examples import Examples


@dataclass(frozen=True)
class Buffers:
    """Room for a part of a batch: inputs, targets, and weights where examples have some."""

    inputs: NDArray[np.float32]
    targets: NDArray[Any]
    weights: NDArray[np.float32] | None

    @classmethod
    def new(cls, examples: Examples, count: int) -> Buffers:
        """Room for so many of `examples`."""
        return cls(
            np.empty((count, examples.features.width), np.float32),
            np.empty((count, *examples.targets.shape[1:]), examples.targets.dtype),
            None if examples.weights is None else np.empty(count, np.float32),
        )


class Gathering:
    """Copies a peer's part of a batch out of the examples.

    Args:
        examples: all of them.
        share: the peer's part of each batch.
        batch_size: examples of the largest batch.
        augmentation: what changes the inputs, or None.
        buffers: number of parts that stay valid at the same time.
    """

    def __init__(
        self, examples: Examples, share: Share, batch_size: int, augmentation: Augmentation | None, buffers: int
    ) -> None:
        self._examples, self._share, self._augmentation = examples, share, augmentation
        count = share.largest(batch_size)
        self._buffers: Sequence[Buffers] = [Buffers.new(examples, count) for _ in range(buffers)]
        self._scratch = examples.features.scratch(count)
        self._turn = 0
        self._portion = share.of(batch_size)

    def batch(self, rows: NDArray[np.int64], step: int, own: range | None = None) -> Batch:
        """This peer's part of the batch that consists of the examples `rows`; it may hold none, where there are few.

        Args:
            rows: the whole batch, as indices of examples.
            step: number of the training step.
            own: the workers that the peer computes from now on, as many as before; None for the same ones.
        """
        portion = self._portion_of(len(rows), own)
        mine, count = rows[portion.start : portion.stop], portion.stop - portion.start
        examples, buffers = self._examples, self._buffers[self._turn]
        self._turn = (self._turn + 1) % len(self._buffers)
        inputs, targets = buffers.inputs[:count], buffers.targets[:count]
        examples.features.gather(mine, inputs, self._scratch[:count])
        np.take(examples.targets, mine, axis=0, out=targets, mode="clip")
        weights = None
        if examples.weights is not None and buffers.weights is not None:
            weights = np.take(examples.weights, mine, out=buffers.weights[:count], mode="clip")
        if self._augmentation is not None and count:
            self._augmentation.apply(inputs, portion.positions, step)
        return Batch(inputs, targets, portion.positions, portion.lanes, portion.total, portion.nested, weights)

    def _portion_of(self, size: int, own: range | None) -> Portion:
        if own is not None and own != self._share.own:
            self._share = replace(self._share, own=own)
            self._portion = self._share.of(size)
        if self._portion.total != size:
            self._portion = self._share.of(size)
        return self._portion
