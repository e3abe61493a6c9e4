"""What a process keeps of messages in memory of its own, epoch by epoch: within its limit, or in its file beyond."""

import threading
from collections import Counter

from ..memory.space import private_memory
from ..memory.spill import Spill
from .arena import Arena


class Kept:
    """Memory for messages that are to be forgotten by epochs. For all threads of a process.

    Args:
        spill: the limit and the file, or None where there is no limit.
    """

    def __init__(self, spill: Spill | None) -> None:
        self._spill = spill
        self._taken: Counter[int] = Counter()
        self._arenas: dict[int, Arena] = {}
        self._mutex = threading.Lock()

    def room(self, epoch: int, size: int) -> bytearray | memoryview:
        """Return memory for a message of an epoch: a bytearray for its receiver to have, or a view of the file.

        Raises:
            BSPError: no memory left, or no space on the disk.
        """
        return self._in_file(epoch, size) or private_memory(size)

    def keep(self, epoch: int, memory: bytearray | memoryview) -> tuple[bytearray | memoryview, bool]:
        """Return memory with what a message of an epoch holds, and whether it may be its receiver's own.

        Raises:
            BSPError: no space on the disk.
        """
        file = self._in_file(epoch, len(memory))
        if file is None:
            return memory, True
        file[:] = memory
        return file, False

    def release(self, epoch: int) -> None:
        """Forget what was kept in an epoch and those before: nobody reads it any more."""
        spill = self._spill
        if spill is not None:
            with self._mutex:
                for old in [old for old in self._taken if old <= epoch]:
                    spill.give(self._taken.pop(old))
                for old in [old for old in self._arenas if old <= epoch]:
                    self._arenas.pop(old).close()

    def close(self) -> None:
        """Give all back."""
        self.release(max((*self._taken, *self._arenas), default=0))

    def _in_file(self, epoch: int, size: int) -> memoryview | None:
        """Return memory in the file if the limit leaves no other."""
        spill = self._spill
        if spill is None:
            return None
        with self._mutex:
            if spill.take(size):
                self._taken[epoch] += size
                return None
            arena = self._arenas.setdefault(epoch, Arena(spill.heap))
            offset = arena.take(size)
        spill.note(size)
        return spill.heap.view(offset, size)
