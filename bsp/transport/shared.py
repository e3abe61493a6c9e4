"""Messages between the processes of a host: each process writes into arenas of its own, the others read them.

An arena is a growing shared-memory segment: one chain of records per destination process.

    header   superstep, then per destination process: offset of the first record
    record   offset of the next record, sender, receiver, size; then the encoded value

There are two arenas per process, used in turn: what is sent in superstep s is read in s+1, while the other one fills,
and its memory is used again in s+2, when the barrier has proved that every reader is done. No copy besides the two that
a message needs: into the arena, and out of it.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..encoding import Encoded, decode
from ..memory import Segment

_RECORD = 64
_WORD = 8
_NEXT, _SENDER, _RECEIVER, _SIZE = range(4)
MINIMUM = 1 << 16


def arena_size(processes: int) -> int:
    """Return the bytes with which an arena starts."""
    return MINIMUM + _aligned(_WORD * (1 + processes))


def _aligned(size: int) -> int:
    return -(-size // _RECORD) * _RECORD


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that lies in another process's arena; readable until the next barrier."""

    sender: int
    receiver: int
    arena: Segment
    offset: int
    size: int

    def value(self) -> object:
        """Decode the message into memory of its own."""
        memory = self.arena.view(self.offset + self.size)
        return decode(bytearray(memory[self.offset :]))


class Outbox:
    """This process's sending side, and its reading side of the others' arenas.

    Args:
        process: this process.
        arenas: for each process its two arenas.
    """

    def __init__(self, process: int, arenas: Sequence[tuple[Segment, Segment]]) -> None:
        self._process = process
        self._arenas = arenas
        self._mutex = threading.Lock()
        self._superstep = -1
        self._used = 0
        self._last: dict[int, int] = {}

    def send(self, superstep: int, sender: int, receiver: int, process: int, encoded: Encoded) -> None:
        """Write a message for `receiver`, which lives in another process. Raises BSPError when memory is full."""
        arena = self._arenas[self._process][superstep & 1]
        with self._mutex:
            if self._superstep != superstep:
                self._begin(superstep, arena)
            offset = self._used
            self._used = _aligned(offset + _RECORD + encoded.size)
            self._grow(arena, self._used)
            self._link(arena, process, offset, (0, sender, receiver, encoded.size))
            payload = arena.view(offset + _RECORD + encoded.size)[offset + _RECORD :]
        encoded.write(payload)

    def sent(self, superstep: int) -> bool:
        """Whether this process sent anything to another one in `superstep`."""
        return self._superstep == superstep

    def receive(self, superstep: int) -> Iterator[Inbound]:
        """Yield what other processes sent here in `superstep`, by process and then in the order of sending."""
        for process, pair in enumerate(self._arenas):
            if process != self._process:
                yield from self._chain(pair[superstep & 1], superstep)

    def _begin(self, superstep: int, arena: Segment) -> None:
        header = _aligned(_WORD * (1 + len(self._arenas)))
        words = arena.view(header).cast("q")
        words[0] = superstep
        for process in range(len(self._arenas)):
            words[1 + process] = 0
        self._superstep, self._used = superstep, header
        self._last.clear()

    @staticmethod
    def _grow(arena: Segment, size: int) -> None:
        if size > arena.mapped:
            arena.reserve(max(size, min(2 * arena.mapped, arena.mapped + (64 << 20))))

    def _link(self, arena: Segment, process: int, offset: int, record: tuple[int, int, int, int]) -> None:
        words = arena.view(_aligned(offset + _RECORD)).cast("q")
        at = offset // _WORD
        words[at], words[at + 1], words[at + 2], words[at + 3] = record
        previous = self._last.get(process)
        words[1 + process if previous is None else previous // _WORD + _NEXT] = offset
        self._last[process] = offset

    def _chain(self, arena: Segment, superstep: int) -> Iterator[Inbound]:
        words = arena.view(arena.size // _WORD * _WORD).cast("q")
        if words[0] != superstep:
            return
        offset = words[1 + self._process]
        while offset:
            at = offset // _WORD
            yield Inbound(words[at + _SENDER], words[at + _RECEIVER], arena, offset + _RECORD, words[at + _SIZE])
            offset = words[at + _NEXT]
