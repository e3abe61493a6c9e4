"""Which examples make up which batch, and who works on which of them.

The order is a function of seed, epoch and step, so that every process finds it for itself: nothing is exchanged. An
epoch is a permutation of the examples, cut into batches, the last of which may be smaller; a worker's part of a batch
is a contiguous range of it, as even as can be. An example's place in the job's batch is its *position*, the counter of
its random draws: the same for any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch

from ..parts import Share, SubModels
from ..streams import SAMPLING, SHUFFLE, generator
from .augmentation import Augmentation
from .examples import Examples
from .gathering import Gathering


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


class Supply(Protocol):
    """What gives a peer its parts of the batches, one after the other."""

    def batch(self, place: Place, step: int, own: range | None = None) -> Batch:
        """This peer's part of a batch; valid until the next call. It may hold no example, where there are few.

        Args:
            place: the place in the shuffle.
            step: number of the training step, over all fits.
            own: the workers that this peer computes from now on, as many as before; None for the same ones.
        """

    def after(self, place: Place) -> Place:
        """The place after the batch at `place`, which `batch` has given last."""

    def close(self) -> None:
        """Let go of threads and files."""


class Feed:
    """A `Supply` from examples that can be read in any order.

    Args:
        examples: all examples.
        order: the order of the job.
        workers: how many the job has.
        own: which of them this peer computes, a contiguous range.
        submodels: True draws dropout once per worker and batch, not once per example; "nested" does both.
        augmentation: what changes the inputs, or None.
        buffers: number of batches that stay valid at the same time.
    """

    def __init__(
        self,
        examples: Examples,
        order: Order,
        workers: int,
        own: range,
        submodels: SubModels,
        augmentation: Augmentation | None = None,
        buffers: int = 1,
    ) -> None:
        self.order = order
        self._gathering = Gathering(examples, Share(workers, own, submodels), order.batch_size, augmentation, buffers)
        self._permutation = np.arange(order.examples)
        self._epoch = -1

    def batch(self, place: Place, step: int, own: range | None = None) -> Batch:
        """See `Supply`."""
        return self._gathering.batch(self._rows(place, step, self.order.size(place)), step, own)

    def after(self, place: Place) -> Place:
        """See `Supply`."""
        return self.order.after(place)

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self, place: Place, step: int, size: int) -> NDArray[np.int64]:
        """The examples of the job's whole batch."""
        if self.order.sampling == "replacement":
            return generator(self.order.seed, SAMPLING, step).integers(self.order.examples, size=size)
        if self.order.shuffle and place.epoch != self._epoch:
            self._permutation = generator(self.order.seed, SHUFFLE, place.epoch).permutation(self.order.examples)
            self._epoch = place.epoch
        return self._permutation[place.offset : place.offset + size]
