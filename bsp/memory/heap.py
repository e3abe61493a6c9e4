"""Blocks of one growing segment: its owner allocates and frees them, the others read what they are told of."""

import threading
from bisect import bisect_left, insort

from .segment import Segment

LINE = 64
"""Blocks begin at cache lines, and are whole ones."""
_GROWTH = 64 << 20


def aligned(size: int) -> int:
    """Return a size rounded up to whole lines."""
    return -(-size // LINE) * LINE


class Heap:
    """The blocks of a segment. For the threads of the process that owns it.

    Args:
        segment: the memory.
    """

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._end = 0
        self._free: list[tuple[int, int]] = []
        self._mutex = threading.Lock()

    def allocate(self, size: int) -> int:
        """Return the offset of a block of `size` bytes.

        Raises:
            BSPError: the machine has not that much memory left.
        """
        size = aligned(max(size, 1))
        with self._mutex:
            for position, (offset, room) in enumerate(self._free):
                if room >= size:
                    del self._free[position]
                    if room > size:
                        insort(self._free, (offset + size, room - size))
                    return offset
            offset = self._end
            self._grow(offset + size)
            self._end = offset + size
            return offset

    def free(self, offset: int, size: int) -> None:
        """Give a block back. Nobody may read it any more."""
        size = aligned(max(size, 1))
        with self._mutex:
            position = bisect_left(self._free, (offset, size))
            if position < len(self._free) and self._free[position][0] == offset + size:
                size += self._free.pop(position)[1]
            if position > 0 and sum(self._free[position - 1]) == offset:
                offset, before = self._free.pop(position - 1)
                size += before
            if offset + size == self._end:
                self._end = offset
            else:
                insort(self._free, (offset, size))

    def view(self, offset: int, size: int) -> memoryview:
        """Return a block as writable memory."""
        return self.segment.view(offset + size)[offset:]

    def _grow(self, size: int) -> None:
        if size > self.segment.mapped:
            self.segment.reserve(max(size, min(2 * self.segment.mapped, self.segment.mapped + _GROWTH)))
