"""The words in shared memory on which the processes of a group meet.

    line 0     release word, two verdicts
    slot r     arrival word, two flag words, two call codes; then the two calls as text

Each line that is written by one process and polled by another is a cache line of its own, and each slot has one
writer, so that no lock exists which a killed process could take along. Flags, calls and verdicts are doubled by the
parity of the generation: the next barrier is written while a slow process still reads this one.
"""

import ctypes
from collections.abc import Callable

from ..placement import available_cores
from . import futex
from .heap import LINE
from .segment import Segment

_WORD = 4
_TEXT = 2 * LINE
_SLOT = LINE + 2 * _TEXT
_RELEASE, _VERDICT = 0, 1
_ARRIVAL, _FLAGS, _CODES = 0, 1, 3

# Offers of the processor before sleeping: about what a futex's sleep and wake cost together (measured: a barrier of 2
# processes on 2 cores takes 4 µs with them, 14 without). With more processes than cores they mostly delay the others.
SPINS, SPINS_CROWDED = 100, 5


class MeetingWords:
    """A view of the words of one group.

    Args:
        segment: the shared memory.
        offset: where the words begin in it; `MeetingWords.size(participants)` zero bytes.
        participants: how many processes meet.
        crowd: how many processes the job has on this host.
    """

    def __init__(self, segment: Segment, offset: int, participants: int, crowd: int) -> None:
        self.participants = participants
        self._bytes = segment.view(offset + self.size(participants))[offset:]
        self._words = self._bytes.cast("i")
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))
        self._spins = SPINS if crowd <= available_cores() else SPINS_CROWDED
        self._written = [b"", b""]  # the texts of our own calls, which mostly stay the same

    @staticmethod
    def size(participants: int) -> int:
        """Return the bytes that the words of a group take."""
        return LINE + participants * _SLOT

    @staticmethod
    def _slot(position: int) -> int:
        return (LINE + position * _SLOT) // _WORD

    def announce(self, position: int, generation: int, code: int, text: bytes, flags: int) -> None:
        """Publish the arrival of a participant with what it called and its flags."""
        slot, parity = self._slot(position), generation & 1
        self._words[slot + _FLAGS + parity] = flags
        self._words[slot + _CODES + parity] = code
        if self._written[parity] is not text:
            start = slot * _WORD + LINE + parity * _TEXT
            self._bytes[start] = len(text)
            self._bytes[start + 1 : start + 1 + len(text)] = text
            self._written[parity] = text
        if futex.NEEDS_FENCE:
            futex.yield_processor()
        self._words[slot + _ARRIVAL] = generation
        if position != 0:
            futex.wake(self._address + _WORD * (slot + _ARRIVAL))

    def await_arrival(self, position: int, generation: int, check: Callable[[], None]) -> tuple[int, int]:
        """Wait for a participant; return the code of its call and its flags. `check` runs every slice, may raise."""
        slot, parity = self._slot(position), generation & 1
        self._await(slot + _ARRIVAL, generation, check)
        return self._words[slot + _CODES + parity], self._words[slot + _FLAGS + parity]

    def has_arrived(self, position: int, generation: int) -> bool:
        """Whether a participant has announced this generation."""
        return self._words[self._slot(position) + _ARRIVAL] == generation

    def call_of(self, position: int, generation: int) -> bytes:
        """Return the text of what a participant called in this generation."""
        start = self._slot(position) * _WORD + LINE + (generation & 1) * _TEXT
        return bytes(self._bytes[start + 1 : start + 1 + self._bytes[start]])

    def release(self, generation: int, verdict: int) -> None:
        """Let all participants go on, with the root's verdict."""
        self._words[_VERDICT + (generation & 1)] = verdict
        if futex.NEEDS_FENCE:
            futex.yield_processor()
        self._words[_RELEASE] = generation
        futex.wake(self._address + _WORD * _RELEASE)

    def await_release(self, generation: int, check: Callable[[], None]) -> int:
        """Wait for the release of a generation; return the verdict. `check` runs every slice, may raise."""
        self._await(_RELEASE, generation, check)
        return self._words[_VERDICT + (generation & 1)]

    def _await(self, index: int, generation: int, check: Callable[[], None]) -> None:
        words, address = self._words, self._address + _WORD * index
        for _ in range(self._spins):
            if words[index] == generation:
                return
            futex.yield_processor()
        while (seen := words[index]) != generation:
            check()
            futex.wait(address, seen)
