"""The control block: the words in shared memory by which the processes of a host meet, stop and abort.

    line 0          abort word, stop word
    line 1          release word, two verdicts
    slot r          arrival word, two flag words, two call words, pid; then the text of an abort that r declared

Each line that is written by one process and polled by another has a cache line of its own, and each slot has one
writer, so that no lock exists which a killed process could take along. Flags, calls and verdicts are doubled by the
parity of the generation: the next barrier is written while a slow process still reads this one. The launcher owns the
last slot.
"""

import os
from collections.abc import Callable, Iterable

from . import futex
from .errors import JobAborted
from .memory import Segment
from .placement import available_cores

LINE = 64
SLOT = 2048
_HEADER = 2 * LINE
_TEXT = SLOT - LINE - 8
_WORD = 4

_ABORT, _STOP = 0, 1
_RELEASE, _VERDICT = LINE // _WORD, LINE // _WORD + 1
_ARRIVAL, _FLAGS, _CALLS, _PID = 0, 1, 3, 5

# Offers of the processor before sleeping: about what a futex's sleep and wake cost together (measured: a barrier of 2
# processes on 2 cores takes 4 µs with them, 14 without). With more processes than cores they mostly delay the others.
SPINS, SPINS_CROWDED = 100, 5


class ControlBlock:
    """A view of a job's control words.

    Args:
        segment: the shared memory, `ControlBlock.size(processes)` bytes.
        processes: how many worker processes the job has.
    """

    def __init__(self, segment: Segment, processes: int) -> None:
        self.processes = processes
        self._bytes = segment.view(self.size(processes))
        self._words = self._bytes.cast("i")
        self._address = segment.address()
        self._spins = SPINS if processes <= available_cores() else SPINS_CROWDED

    @staticmethod
    def size(processes: int) -> int:
        """Return the bytes that a control block takes."""
        return _HEADER + (processes + 1) * SLOT

    @property
    def launcher(self) -> int:
        """The launcher's slot."""
        return self.processes

    def _slot(self, rank: int) -> int:
        return (_HEADER + rank * SLOT) // _WORD

    # Membership

    def register(self, rank: int) -> None:
        """Announce the calling process as `rank`."""
        self._words[self._slot(rank) + _PID] = os.getpid()

    def deregister(self, rank: int) -> None:
        """Take the announcement back."""
        self._words[self._slot(rank) + _PID] = 0

    def pids(self) -> dict[int, int]:
        """Return the pid of each registered process."""
        found = {rank: self._words[self._slot(rank) + _PID] for rank in range(self.processes)}
        return {rank: pid for rank, pid in found.items() if pid}

    # Stop and abort

    def request_stop(self) -> None:
        """Ask the program to end; the barrier's root passes it on to all peers alike."""
        self._words[_STOP] = 1

    @property
    def stop_requested(self) -> bool:
        """Whether `request_stop` was called."""
        return self._words[_STOP] != 0

    def abort(self, slot: int, reason: str, ranks: Iterable[int] = ()) -> None:
        """End the job: every process in a barrier, or that comes to one, raises `JobAborted` with the reasons given.

        Args:
            slot: who says so.
            reason: what happened.
            ranks: the peers at fault.
        """
        text = f"{','.join(map(str, ranks))}|{reason}".encode()[:_TEXT]
        start = _HEADER + slot * SLOT + LINE
        self._bytes[start + 8 : start + 8 + len(text)] = text
        self._words[start // _WORD] = len(text)
        futex.yield_processor()
        self._words[_ABORT] = 1
        self._wake_all()

    @property
    def aborted(self) -> bool:
        """Whether the job was aborted."""
        return self._words[_ABORT] != 0

    def _reasons(self) -> list[tuple[list[int], str]]:
        """Return why the job was aborted, as told by each slot that did: the peers at fault, and the reason."""
        found = []
        for slot in range(self.processes + 1):
            start = _HEADER + slot * SLOT + LINE
            length = self._words[start // _WORD]
            if length:
                text = bytes(self._bytes[start + 8 : start + 8 + length]).decode(errors="replace")
                ranks, _, reason = text.partition("|")
                found.append(([int(rank) for rank in ranks.split(",") if rank], reason))
        return found

    def check(self) -> None:
        """Raise `JobAborted` if the job was aborted."""
        if self.aborted:
            reasons = self._reasons()
            told = "; ".join(reason for _, reason in reasons) or "no reason was given"
            raise JobAborted(f"the job was aborted: {told}", [rank for ranks, _ in reasons for rank in ranks])

    def _wake_all(self) -> None:
        for word in (_RELEASE, *(self._slot(rank) + _ARRIVAL for rank in range(self.processes))):
            futex.wake(self._address + _WORD * word)

    # The barrier's words

    def announce(self, rank: int, generation: int, call: int, flags: int) -> None:
        """Publish the arrival of a process with what it called and its flags."""
        slot, parity = self._slot(rank), generation & 1
        self._words[slot + _FLAGS + parity] = flags
        self._words[slot + _CALLS + parity] = call
        if futex.NEEDS_FENCE:
            futex.yield_processor()
        self._words[slot + _ARRIVAL] = generation
        if rank != 0:
            futex.wake(self._address + _WORD * (slot + _ARRIVAL))

    def await_arrival(self, rank: int, generation: int, check: Callable[[], None]) -> tuple[int, int]:
        """Wait for a process's arrival; return its call and flags. `check` runs every slice and may raise."""
        slot, parity = self._slot(rank), generation & 1
        self._await(slot + _ARRIVAL, generation, check)
        return self._words[slot + _CALLS + parity], self._words[slot + _FLAGS + parity]

    def has_arrived(self, rank: int, generation: int) -> bool:
        """Whether a process has announced this generation."""
        return self._words[self._slot(rank) + _ARRIVAL] == generation

    def call_of(self, rank: int, generation: int) -> int:
        """Return what a process called in this generation."""
        return self._words[self._slot(rank) + _CALLS + (generation & 1)]

    def release(self, generation: int, verdict: int) -> None:
        """Let all processes go on, with the root's verdict."""
        self._words[_VERDICT + (generation & 1)] = verdict
        if futex.NEEDS_FENCE:
            futex.yield_processor()
        self._words[_RELEASE] = generation
        futex.wake(self._address + _WORD * _RELEASE)

    def await_release(self, generation: int, check: Callable[[], None]) -> int:
        """Wait for the release of a generation; return the verdict. `check` runs every slice and may raise."""
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
