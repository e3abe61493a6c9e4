"""The next batch is gathered while the engine computes this one: kernels and BLAS release Python's lock meanwhile."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from horn.neurons import Batch

from .batches import Place, Supply


class _Wanted(NamedTuple):
    """What a batch is asked for with."""

    place: Place
    step: int
    own: range | None


class Prefetch:
    """A `Supply` that asks another one for the next batch ahead of time, in a thread of its own.

    What the other raises is raised where its batch is asked for, with the traceback from the thread. If another batch
    is asked for than the one after the last, it is gathered then.

    Args:
        supply: gives the batches, two of which must stay valid at the same time.
        stop: number of the first training step that is not made any more: nothing is gathered for it.
    """

    def __init__(self, supply: Supply, stop: int) -> None:
        self._supply, self._stop = supply, stop
        self._thread = ThreadPoolExecutor(1, "horn-prefetch")  # starts with the first batch
        self._coming: tuple[_Wanted, Future[tuple[Batch, Place]]] | None = None
        self._after: Place | None = None

    def batch(self, place: Place, step: int, own: range | None = None) -> Batch:
        """See `Supply`."""
        batch, self._after = self._awaited(_Wanted(place, step, own))
        if step + 1 < self._stop:
            following = _Wanted(self._after, step + 1, own)
            self._coming = following, self._thread.submit(self._gather, following)
        return batch

    def after(self, place: Place) -> Place:
        """See `Supply`."""
        assert self._after is not None
        return self._after

    def close(self) -> None:
        """End the thread, once what it gathers is there."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._supply.close()

    def _awaited(self, wanted: _Wanted) -> tuple[Batch, Place]:
        coming, self._coming = self._coming, None
        if coming is not None:
            foreseen, batch = coming
            if foreseen == wanted:
                return batch.result()
            batch.exception()  # waits; what it says is not asked for
        return self._gather(wanted)

    def _gather(self, wanted: _Wanted) -> tuple[Batch, Place]:
        batch = self._supply.batch(*wanted)
        return batch, self._supply.after(wanted.place)
