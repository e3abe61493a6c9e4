"""What a process keeps of messages in memory of its own, epoch by epoch: within its limit, or in its file beyond."""

import threading

from ..memory.space import private_memory
from ..memory.spill import Spill
from .arena import Arena


class Kept:
    """Memory for the messages of two epochs. For all threads of a process.

    Args:
        spill: the limit and the file, or None where there is no limit.
    """

    def __init__(self, spill: Spill | None) -> None:
        self._spill = spill
        self._taken = [0, 0]
        self._arenas = [] if spill is None else [Arena(spill.heap), Arena(spill.heap)]
        self._mutex = threading.Lock()

    def room(self, epoch: int, size: int) -> bytearray | memoryview:
        """Return memory for a message of an epoch: a bytearray for its receiver to have, or a view of the file.

        Raises:
            BSPError: no memory left, or no space on the disk.
        """
        spill = self._spill
        if spill is None:
            return private_memory(size)
        with self._mutex:
            if spill.take(size):
                self._taken[epoch & 1] += size
                return private_memory(size)
            offset = self._arenas[epoch & 1].take(size)
            spill.note(size)
        return spill.heap.view(offset, size)

    def release(self, epoch: int) -> None:
        """Forget what was kept of an epoch: nobody reads it any more."""
        if self._spill is not None:
            with self._mutex:
                self._spill.give(self._taken[epoch & 1])
                self._taken[epoch & 1] = 0
                self._arenas[epoch & 1].reset()

    def close(self) -> None:
        """Give all back."""
        for epoch, arena in enumerate(self._arenas):
            self.release(epoch)
            arena.close()
