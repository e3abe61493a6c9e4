"""The control block: the words in shared memory by which the processes of a host register, stop and abort.

    line 0     abort word, stop word
    slot r     pid; whether it ever joined; length and text of an abort that r declared

Each slot has one writer, so that no lock exists which a killed process could take along. The launcher owns the last
slot. Whoever waits for something looks at the abort word every 50 ms.
"""

import os
from collections.abc import Iterable

from ..errors import JobAborted
from . import futex
from .heap import LINE
from .segment import Segment

SLOT = 2048
_WORD = 4
_HEAD = 3 * _WORD
_TEXT = SLOT - _HEAD
_ABORT, _STOP = 0, 1
_PID, _JOINED, _LENGTH = 0, 1, 2


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

    @staticmethod
    def size(processes: int) -> int:
        """Return the bytes that a control block takes."""
        return LINE + (processes + 1) * SLOT

    @property
    def launcher(self) -> int:
        """The launcher's slot."""
        return self.processes

    def _slot(self, rank: int) -> int:
        return (LINE + rank * SLOT) // _WORD

    # Membership

    def register(self, rank: int) -> None:
        """Announce the calling process as `rank`."""
        self._words[self._slot(rank) + _PID] = os.getpid()
        self._words[self._slot(rank) + _JOINED] = 1

    def deregister(self, rank: int) -> None:
        """Take the announcement back."""
        self._words[self._slot(rank) + _PID] = 0

    def absent(self) -> list[int]:
        """Return the processes that have not registered yet; those that have left again are none of them."""
        return [rank for rank in range(self.processes) if not self._words[self._slot(rank) + _JOINED]]

    def pids(self) -> dict[int, int]:
        """Return the pid of each registered process."""
        found = {rank: self._words[self._slot(rank) + _PID] for rank in range(self.processes)}
        return {rank: pid for rank, pid in found.items() if pid}

    # Stop and abort

    def request_stop(self) -> None:
        """Ask the program to end; the first process of each group passes it on to all its peers alike."""
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
        start = LINE + slot * SLOT + _HEAD
        self._bytes[start : start + len(text)] = text
        self._words[self._slot(slot) + _LENGTH] = len(text)
        futex.yield_processor()
        self._words[_ABORT] = 1

    @property
    def aborted(self) -> bool:
        """Whether the job was aborted."""
        return self._words[_ABORT] != 0

    def check(self) -> None:
        """Raise `JobAborted` if the job was aborted."""
        if self.aborted:
            reasons = self._reasons()
            told = "; ".join(reason for _, reason in reasons) or "no reason was given"
            raise JobAborted(f"the job was aborted: {told}", [rank for ranks, _ in reasons for rank in ranks])

    def _reasons(self) -> list[tuple[list[int], str]]:
        """Return why the job was aborted, as told by each slot that did: the peers at fault, and the reason."""
        found = []
        for slot in range(self.processes + 1):
            start, length = LINE + slot * SLOT + _HEAD, self._words[self._slot(slot) + _LENGTH]
            if length:
                text = bytes(self._bytes[start : start + length]).decode(errors="replace")
                ranks, _, reason = text.partition("|")
                found.append(([int(rank) for rank in ranks.split(",") if rank], reason))
        return found
