"""The words in shared memory by which the processes of a host post to each other's peers.

They lie where the heap of each process begins, so that nobody needs to be told. Those of process p:

    line r     for each peer r of the job: how many records p has posted to it; how many threads of p wait for room;
               offset of the first record
    rows       for each peer r of p: a line with its bell and whether it has finished; then, per process of the job,
               how many of its records r has taken

    record     a line: offset of the next record to the same peer, sender, size; the encoded value follows

Each word has one writer, so that no lock exists which a killed process could take along; but the bell: its peer
clears it before it sleeps, and whoever posts sets it. Counts wrap; only their differences matter.
"""

import ctypes
from collections.abc import Callable

from ..placement import Placement
from . import futex
from .heap import LINE, aligned
from .segment import Segment

COUNTS = 1 << 30
_WORD, _LONG = 4, 8
_POSTED, _WAITING, _FIRST = 0, 1, 1
_BELL, _FINISHED = 0, 1
_NEXT, _SENDER, _SIZE = range(3)


class PostWords:
    """A view of the words of one process.

    Args:
        segment: its heap.
        placement: which peers live where.
        process: the one whose words they are.
    """

    def __init__(self, segment: Segment, placement: Placement, process: int) -> None:
        memory = segment.view(self.size(placement, process))
        self._words = memory.cast("i")
        self._longs = memory.cast("q")
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        row = self._row_size(placement)
        start = placement.peers * LINE
        self._rows = {rank: start + number * row for number, rank in enumerate(placement.ranks(process))}

    @staticmethod
    def _row_size(placement: Placement) -> int:
        return LINE + aligned(_WORD * placement.processes)

    @classmethod
    def size(cls, placement: Placement, process: int) -> int:
        """Return the bytes that the words of a process take."""
        return placement.peers * LINE + len(placement.ranks(process)) * cls._row_size(placement)

    # What the process has posted

    def posted(self, peer: int) -> int:
        """Return how many records the process has posted to a peer."""
        return self._words[peer * LINE // _WORD + _POSTED]

    def post(self, peer: int, count: int) -> None:
        """Make the records known, `count` in all. They are written."""
        if futex.NEEDS_FENCE:
            futex.yield_processor()
        self._words[peer * LINE // _WORD + _POSTED] = count

    def first(self, peer: int) -> int:
        """Return the offset of the first record that was ever posted to a peer."""
        return self._longs[peer * LINE // _LONG + _FIRST]

    def set_first(self, peer: int, offset: int) -> None:
        """Say where the chain to a peer begins."""
        self._longs[peer * LINE // _LONG + _FIRST] = offset

    def waiting(self, peer: int) -> int:
        """Return how many threads of the process wait for room."""
        return self._words[peer * LINE // _WORD + _WAITING]

    def set_waiting(self, peer: int, threads: int) -> None:
        """Say how many threads wait for room."""
        self._words[peer * LINE // _WORD + _WAITING] = threads

    # What peers of the process have taken, and their sleep

    def _taken_at(self, peer: int, process: int) -> int:
        return (self._rows[peer] + LINE) // _WORD + process

    def taken(self, peer: int, process: int) -> int:
        """Return how many records of a process a peer has taken."""
        return self._words[self._taken_at(peer, process)]

    def take(self, peer: int, process: int, count: int) -> None:
        """Say that a peer is done with the records of a process, `count` in all."""
        self._words[self._taken_at(peer, process)] = count

    def await_taken(self, peer: int, process: int, seen: int, seconds: float) -> None:
        """Sleep while a peer has taken no more than `seen` records of a process."""
        futex.wait(self._address + _WORD * self._taken_at(peer, process), seen, seconds)

    def wake_sender(self, peer: int, process: int) -> None:
        """Wake the threads of a process that wait for room."""
        futex.wake(self._address + _WORD * self._taken_at(peer, process))

    def ring(self, peer: int) -> None:
        """Wake a peer if it sleeps; called when there is something for it.

        A peer that clears its bell at this very moment may be missed, as no fence is between the record and this look
        at the bell. It sleeps in slices and then sees for itself.
        """
        bell = self._rows[peer] // _WORD + _BELL
        if not self._words[bell]:
            self._words[bell] = 1
            futex.wake(self._address + _WORD * bell)

    def sleep(self, peer: int, arrived: Callable[[], bool], seconds: float) -> None:
        """Sleep until somebody rings, unless something has arrived."""
        bell = self._rows[peer] // _WORD + _BELL
        self._words[bell] = 0
        futex.yield_processor()
        if not arrived():
            futex.wait(self._address + _WORD * bell, 0, seconds)
        self._words[bell] = 1

    def finish(self, peer: int) -> None:
        """Say that a peer has finished."""
        self._words[self._rows[peer] // _WORD + _FINISHED] = 1

    def finished(self, peer: int) -> bool:
        """Whether a peer has finished."""
        return bool(self._words[self._rows[peer] // _WORD + _FINISHED])


def write_record(block: memoryview, sender: int, size: int) -> memoryview:
    """Begin a record, the last of its chain, in a block of LINE + size bytes; return the memory of its value."""
    words = block[:LINE].cast("q")
    words[_NEXT], words[_SENDER], words[_SIZE] = 0, sender, size
    return block[LINE:]


def link_record(record: memoryview, following: int) -> None:
    """Append the record at an offset to the chain that ends with `record`."""
    record[:LINE].cast("q")[_NEXT] = following


def read_record(record: memoryview) -> tuple[int, int, int]:
    """Return the offset of the next record, the sender and the size."""
    words = record[:LINE].cast("q")
    return words[_NEXT], words[_SENDER], words[_SIZE]
