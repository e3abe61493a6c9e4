"""Who works on which part of something: of a batch, of the parameters, of the examples to score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Who draws masks: False each example, True each worker for its whole part of a batch, "nested" both (`Batch.nested`).
SubModels: TypeAlias = bool | Literal["nested"]


def bounds(total: int, parts: int) -> list[int]:
    """Where `parts` contiguous parts of `total` things begin and end, as even as can be: ``parts + 1`` indices."""
    share, extra = divmod(total, parts)
    return [part * share + min(part, extra) for part in range(parts + 1)]


@dataclass(frozen=True)
class Share:
    """Which part of every batch a peer computes.

    Args:
        workers: how many the job has.
        own: which of them this peer computes, a contiguous range.
        submodels: True draws dropout once per worker and batch, not once per example; "nested" does both.
    """

    workers: int
    own: range
    submodels: SubModels = False

    def largest(self, batch_size: int) -> int:
        """The most examples that it has of a batch."""
        return -(-batch_size // self.workers) * len(self.own)

    def of(self, size: int) -> Portion:
        """The part of batches of `size` examples."""
        starts = bounds(size, self.workers)
        start, stop = starts[self.own.start], starts[self.own.stop]
        positions = lanes = np.arange(start, stop, dtype=np.uint32)
        if self.submodels:
            counts = np.diff(starts)[self.own.start : self.own.stop]
            lanes = np.repeat(np.asarray(self.own, np.uint32), counts)
        return Portion(start, stop, positions, lanes, size, self.submodels == "nested")


@dataclass(frozen=True)
class Portion:
    """A part of batches of one size.

    Args:
        start, stop: its positions in the batch.
        positions, lanes, total, nested: as of a `Batch`.
    """

    start: int
    stop: int
    positions: NDArray[np.uint32]
    lanes: NDArray[np.uint32]
    total: int
    nested: bool
