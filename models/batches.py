"""Which examples make up which batch, and who works on which of them.

The order is a function of seed, epoch and step, so that every process finds it for itself: nothing is exchanged. An
epoch is a permutation of the examples, cut into batches, the last of which may be smaller; a worker's part of a batch
is a contiguous range of it, as even as can be. An example's place in the job's batch is its *position*, the counter of
its random draws: the same for any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch

from .examples import Examples
from .streams import SAMPLING, SHUFFLE, generator

#: Who draws masks: False each example, True each worker for its whole part of a batch, "nested" both (`Batch.nested`).
SubModels: TypeAlias = bool | Literal["nested"]


@dataclass(frozen=True)
class Place:
    """A place in the shuffle: between two batches.

    Args:
        epoch: passes over the data begun before.
        offset: examples of this pass already taken.
    """

    epoch: int = 0
    offset: int = 0


#: Where a network that has never been trained begins.
START = Place()


@dataclass(frozen=True)
class Order:
    """The order in which a job takes its examples.

    Args:
        examples: how many there are.
        batch_size: examples per batch of the whole job.
        seed: the network's seed.
        shuffle: False takes them as they come.
        sampling: "epoch" takes each once per pass; "replacement" draws each batch anew from all of them.
    """

    examples: int
    batch_size: int
    seed: int
    shuffle: bool = True
    sampling: str = "epoch"

    @property
    def batches(self) -> int:
        """Batches per epoch."""
        return -(-self.examples // self.batch_size)

    def size(self, place: Place) -> int:
        """Number of examples in the batch at `place`."""
        if self.sampling == "replacement":
            return self.batch_size
        return min(self.batch_size, self.examples - place.offset)

    def after(self, place: Place) -> Place:
        """The place after the batch at `place`."""
        offset = place.offset + self.size(place)
        return Place(place.epoch, offset) if offset < self.examples else Place(place.epoch + 1, 0)

    def walk(self, start: Place) -> Walk:
        """The places of a `fit` that begins at `start`."""
        return Walk(self, start)


class Walk:
    """Where in the shuffle the iterations of a `fit` are, for a peer that makes some of them, in order.

    Args:
        order: the order of the job.
        start: the place of iteration 0.
    """

    def __init__(self, order: Order, start: Place) -> None:
        self._order, self._place, self._iteration = order, start, 0

    def place(self, iteration: int) -> Place:
        """The place of an iteration, which is not before that of the last call."""
        for _ in range(self._iteration, iteration):
            self._place = self._order.after(self._place)
        self._iteration = iteration
        return self._place


def bounds(total: int, parts: int) -> list[int]:
    """Where `parts` contiguous parts of `total` things begin and end, as even as can be: ``parts + 1`` indices."""
    share, extra = divmod(total, parts)
    return [part * share + min(part, extra) for part in range(parts + 1)]


class Feed:
    """One peer's parts of the batches, in buffers that are used again and again.

    Args:
        examples: all examples.
        order: the order of the job.
        workers: how many the job has.
        own: which of them this peer computes, a contiguous range.
        submodels: True draws dropout once per worker and batch, not once per example; "nested" does both.
    """

    def __init__(self, examples: Examples, order: Order, workers: int, own: range, submodels: SubModels) -> None:
        self.order = order
        self._examples = examples
        self._workers, self._own = workers, own
        self._submodels = submodels
        share = -(-order.batch_size // workers) * len(own)
        features = examples.features.array
        self._inputs = np.empty((share, features.shape[1]), np.float32)
        self._scratch = np.empty(self._inputs.shape if features.dtype == np.uint8 else (share, 0), np.uint8)
        self._targets = np.empty((share, *examples.targets.shape[1:]), examples.targets.dtype)
        self._permutation = np.arange(order.examples)
        self._epoch = -1
        self._split_of = -1

    def batch(self, place: Place, step: int, own: range | None = None) -> Batch:
        """This peer's part of a batch; valid until the next call. It may hold no example, where there are few.

        Args:
            place: the place in the shuffle.
            step: number of the training step, over all fits.
            own: the workers that this peer computes from now on, as many as before; None for the same ones.
        """
        size = self.order.size(place)
        if own is not None and own != self._own:
            self._own, self._split_of = own, -1
        if size != self._split_of:
            self._split(size)
        rows = self._rows(place, step, size)[self._start : self._stop]
        count = len(rows)
        inputs, targets = self._inputs[:count], self._targets[:count]
        self._examples.features.gather(rows, inputs, self._scratch[:count])
        np.take(self._examples.targets, rows, axis=0, out=targets, mode="clip")
        return Batch(inputs, targets, self._positions, self._lanes, size, self._submodels == "nested")

    def _split(self, size: int) -> None:
        """Find this peer's part of batches of `size` examples."""
        starts = bounds(size, self._workers)
        self._start, self._stop = starts[self._own.start], starts[self._own.stop]
        self._positions = np.arange(self._start, self._stop, dtype=np.uint32)
        self._lanes = self._positions
        if self._submodels:
            counts = np.diff(starts)[self._own.start : self._own.stop]
            self._lanes = np.repeat(np.asarray(self._own, np.uint32), counts)
        self._split_of = size

    def _rows(self, place: Place, step: int, size: int) -> NDArray[np.int64]:
        """The examples of the job's whole batch."""
        if self.order.sampling == "replacement":
            return generator(self.order.seed, SAMPLING, step).integers(self.order.examples, size=size)
        if self.order.shuffle and place.epoch != self._epoch:
            self._permutation = generator(self.order.seed, SHUFFLE, place.epoch).permutation(self.order.examples)
            self._epoch = place.epoch
        return self._permutation[place.offset : place.offset + size]
