"""Memory for one epoch: taken piece by piece from chunks of a heap, given back all at once."""

from typing import Protocol

from ..memory.heap import aligned

CHUNK = 1 << 16


class Blocks(Protocol):
    """What gives an arena its chunks: a heap, or tiers of them."""

    def allocate(self, size: int) -> int: ...
    def free(self, offset: int, size: int, /) -> None: ...


class Arena:
    """Bump allocation. For one thread at a time.

    Args:
        blocks: where the chunks come from.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._chunks: list[tuple[int, int]] = []
        self._present = 0
        self._used = 0

    def take(self, size: int) -> int:
        """Return the offset, or pointer, of `size` bytes. Raises BSPError when memory is full."""
        size = aligned(size)
        while self._present < len(self._chunks):
            offset, room = self._chunks[self._present]
            if self._used + size <= room:
                self._used += size
                return offset + self._used - size
            self._present += 1
            self._used = 0
        room = max(size, CHUNK)
        offset = self._blocks.allocate(room)
        self._chunks.append((offset, room))
        self._used = size
        return offset

    def reset(self) -> None:
        """Begin again; chunks that the last epoch did not need go back to the heap."""
        self._release(self._chunks[self._present + 1 :])
        del self._chunks[self._present + 1 :]
        self._present = self._used = 0

    def close(self) -> None:
        """Give all back."""
        self._release(self._chunks)
        self._chunks.clear()
        self._present = self._used = 0

    def _release(self, chunks: list[tuple[int, int]]) -> None:
        for offset, room in chunks:
            self._blocks.free(offset, room)
