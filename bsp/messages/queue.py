"""Typed queues: many small messages of one dtype, bundled into one array for each destination and superstep."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError
from .columns import retyped, typed
from .combining import combined
from .parts import Line, Part

Array = NDArray[Any]


class Queue(Part):
    """One member's end of a queue; see `Group.queue`.

    Args:
        line: carries the bundles.
        dtype: of the items.
        ufunc: joins items for the same receiver before they travel, or None.
        key: the field whose equal values tell which items are joined, or None for all.

    Attributes:
        dtype: of the items.
    """

    def __init__(self, line: Line, dtype: np.dtype[Any], ufunc: np.ufunc | None = None, key: str | None = None) -> None:
        self.dtype = dtype
        self._line = line
        self._ufunc = ufunc
        self._key = key
        self._items: list[list[Any]] = [[] for _ in range(line.members)]
        self._chunks: dict[int, list[Array]] = {}
        self._received: tuple[Array, Array] | None = None

    def send(self, to: int, item: Any) -> None:
        """Send one item: readable by `to` after the next `sync()`.

        Args:
            to: the receiver, in [0, num_peers).
            item: a number or string; a tuple of them where the dtype has fields. It is converted at `sync`, which
                raises the BSPError for one that does not fit.

        Cost: h·g, h = bytes of the item; no more work than an append to a list.
        """
        if to < 0:
            self._line.check(to)
        try:
            self._items[to].append(item)
        except IndexError:
            self._line.check(to)

    def send_array(self, to: int, items: Array) -> None:
        """Send many items, in their order: as `send` does one after the other, and much faster.

        Args:
            to: the receiver, in [0, num_peers).
            items: a 1-d array of the queue's dtype, or of one that can be converted; copied here and now.

        Raises:
            BSPError: no such receiver, or an array that does not fit.

        Cost: h·g, h = bytes of the items.
        """
        self._line.check(to)
        array = retyped(np.asarray(items), self.dtype)
        self._close(to)
        self._chunks.setdefault(to, []).append(array)

    def received(self) -> Array:
        """Return what was sent to this member in the last superstep, ordered by (sender, sequence).

        With a combiner the items of a sender are ordered by their keys. The array is this member's own.
        """
        return self._collected()[0]

    @property
    def senders(self) -> Array:
        """Who sent the items of `received()`: an int64 array as long."""
        return self._collected()[1]

    def flush(self) -> int:
        """Send a bundle to each member that there is one for."""
        for to, items in enumerate(self._items):
            if items:
                self._close(to)
        chunks, self._chunks = self._chunks, {}
        for to, arrays in chunks.items():
            bundle = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
            if len(bundle):
                joined = bundle if self._ufunc is None else combined(bundle, self._ufunc, self._key)
                self._line.send(to, joined.view(np.uint8), move=True)
        return 0

    def turn(self) -> None:
        """Forget what was received."""
        self._received = None

    def _close(self, to: int) -> None:
        """Turn the items that were sent one by one into an array."""
        items = self._items[to]
        if items:
            self._items[to] = []
            try:
                array = typed(items, self.dtype)
            except BSPError as error:
                raise BSPError(f"an item for member {to} does not fit into the queue: {error}") from error
            self._chunks.setdefault(to, []).append(array)

    def _collected(self) -> tuple[Array, Array]:
        if self._received is None:
            messages = self._line.received()
            bundles: Sequence[Array] = [message.view().view(self.dtype) for message in messages]
            items = np.concatenate([np.empty(0, self.dtype), *bundles])
            senders = [message.sender for message in messages]
            counts = [len(bundle) for bundle in bundles]
            self._received = items, np.repeat(np.array(senders, np.int64), counts)
        return self._received
