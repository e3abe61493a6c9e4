"""One peer's parts of the batches of a stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch

from ..parts import Share
from .augmentation import Augmentation
from .batches import Order, Place
from .gathering import Gathering
from .pool import Pool
from .streamed import Streamed


class StreamFeed:
    """A `Supply` from a stream, which is read forwards; to go back is to read a pass anew.

    Args:
        streamed: the stream.
        order: the order of the job; how many examples there are is only known at the end of a pass.
        share: the peer's part of each batch.
        augmentation: what changes the inputs, or None.
        buffers: number of batches that stay valid at the same time.
    """

    def __init__(
        self, streamed: Streamed, order: Order, share: Share, augmentation: Augmentation | None, buffers: int
    ) -> None:
        self._order, self._share, self._augmentation, self._buffers = order, share, augmentation, buffers
        self._pool = Pool(streamed, order.batch_size, order.seed if order.shuffle else None)
        self._gathering: Gathering | None = None
        self._place = Place(-1, 0)  # where the pool stands; before the first pass
        self._taken: tuple[Place, NDArray[np.int64]] | None = None  # the batch that lies in the pool still

    def batch(self, place: Place, step: int, own: range | None = None) -> Batch:
        """See `Supply`."""
        rows = self._rows(place)
        if self._gathering is None:
            assert self._pool.examples is not None
            size = self._order.batch_size
            self._gathering = Gathering(self._pool.examples, self._share, size, self._augmentation, self._buffers)
        return self._gathering.batch(rows, step, own)

    def after(self, place: Place) -> Place:
        """See `Supply`."""
        self._taken = None  # to see whether the pass has ended, the pool may be filled anew
        if self._pool.ended:
            self._begin(self._place.epoch + 1)
        return self._place

    def close(self) -> None:
        """Let the source close its files."""
        self._pool.close()

    def _rows(self, place: Place) -> NDArray[np.int64]:
        """The batch at `place`, in the pool: taken from it, or the same as last time."""
        if self._taken is not None and self._taken[0] == place:
            return self._taken[1]
        size = self._order.batch_size
        self._go_to(place)
        rows = self._pool.take(size)
        if not len(rows):  # an earlier fit had a longer pass
            self._begin(place.epoch + 1)
            rows = self._pool.take(size)
        self._place = Place(self._place.epoch, self._place.offset + len(rows))
        self._taken = place, rows
        return rows

    def _begin(self, epoch: int) -> None:
        self._pool.begin(epoch)
        self._place = Place(epoch, 0)

    def _go_to(self, place: Place) -> None:
        """Skip examples; from the beginning of the pass, unless it is further on in the one at hand."""
        if self._place.epoch != place.epoch or self._place.offset > place.offset:
            self._begin(place.epoch)
        left = place.offset - self._place.offset
        while left and (skipped := len(self._pool.take(min(left, self._order.batch_size)))):
            left -= skipped
        self._place = place
