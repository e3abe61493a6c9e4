"""Where messages go that would exceed a job's memory limit: a file without a name, mapped like memory."""

import threading

from .heap import Heap
from .segment import Segment

SPILLED = 1
"""The lowest bit of a pointer, set if the block lies in the file. Blocks begin at whole lines."""


class Spill:
    """A process's limit, and its file. For all its threads.

    Args:
        segment: the file.
        limit: bytes of messages that the process may keep in memory.

    Attributes:
        heap: the blocks of the file.
        spilled: bytes of messages that went there so far.
    """

    def __init__(self, segment: Segment, limit: int) -> None:
        self.heap = Heap(segment)
        self.spilled = 0
        self._left = limit
        self._mutex = threading.Lock()

    def take(self, size: int) -> bool:
        """Return whether so much more may be kept in memory, and count it if so."""
        with self._mutex:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """Count memory as free again."""
        with self._mutex:
            self._left += size

    def note(self, size: int) -> None:
        """Count a message that went to the file."""
        with self._mutex:
            self.spilled += size


class Tiers:
    """Blocks in memory as far as the limit allows, in the file beyond. Pointers tell which: see `SPILLED`.

    Args:
        memory: the blocks in memory.
        spill: the limit and the file, or None where there is no limit.
    """

    def __init__(self, memory: Heap, spill: Spill | None) -> None:
        self._memory = memory
        self._spill = spill

    def allocate(self, size: int) -> int:
        """Return a pointer to a block. Raises BSPError when memory or disk are full."""
        if self._spill is None or self._spill.take(size):
            return self._memory.allocate(size)
        return self._spill.heap.allocate(size) | SPILLED

    def free(self, pointer: int, size: int) -> None:
        """Give a block back. Nobody may read it any more."""
        if self._spill is not None and pointer & SPILLED:
            self._spill.heap.free(pointer ^ SPILLED, size)
            return
        self._memory.free(pointer, size)
        if self._spill is not None:
            self._spill.give(size)

    def view(self, pointer: int, size: int) -> memoryview:
        """Return a block as writable memory."""
        if self._spill is not None and pointer & SPILLED:
            return self._spill.heap.view(pointer ^ SPILLED, size)
        return self._memory.view(pointer, size)

    def note(self, pointer: int, size: int) -> None:
        """Count a message, if it lies in the file."""
        if self._spill is not None and pointer & SPILLED:
            self._spill.note(size)
