"""The barrier over the transport itself: signals between the processes, without a root and without a server.

The rules are those of `machine.dissemination`. Cost: l = ceil(log2 p) signals one after the other, for p processes.
"""

import threading
import time
from collections.abc import Callable, Sequence

from .. import failpoints
from ..machine import Dissemination, Mismatch, Proceed, Signal, Violation
from ..placement import Members
from .base import Arrival, Barrier, Verdict, mismatch
from .patience import SLOW_AFTER, Patience
from .telling import pack, unpack
from .threads import SLICE

Send = Callable[[int, int, int, bytes], None]


class DirectBarrier(Barrier):
    """One process's side of the barrier.

    Args:
        send: sends a signal, (process, generation, round, content), without waiting.
        members: the group.
        process: this process.
        check: runs every 50 ms in a waiting process; raises what ended the job.
        timeout: seconds to wait for the others, or None for as long as they live.
    """

    def __init__(
        self, send: Send, members: Members, process: int, check: Callable[[], None], timeout: float | None = None
    ) -> None:
        self._send = send
        self._members = members
        self._check = check
        self._timeout = timeout
        self._ask_after = min(SLOW_AFTER, SLOW_AFTER if timeout is None else timeout) / 2
        self._machine = Dissemination(len(members.processes), members.processes.index(process))
        self._mutex = threading.Lock()
        self._open = threading.Lock()
        self._open.acquire()
        self._verdict: Proceed | Mismatch | None = None
        self._asked = self._told = -1

    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes; see `Barrier.wait`."""
        failpoints.hit("barrier.arriving")
        with self._mutex:
            self._act(self._machine.arrive(arrival.call.code, arrival.call.text, arrival.flags))
            self._answer()
        failpoints.hit("barrier.announced")
        patience: Patience | None = None
        start = time.monotonic()
        while not self._open.acquire(timeout=SLICE):
            self._check()
            if time.monotonic() > start + self._ask_after:
                self._ask()
            patience = patience or Patience(self._timeout, self._missing)
            patience.check()
        match self._verdict:
            case Mismatch(_, calls):
                raise mismatch({text.decode(errors="replace"): self._ranks(those) for text, those in calls})
            case Proceed(_, flags):
                return Verdict(flags)
        raise AssertionError("the barrier opened without a verdict")

    def heard(self, process: int, generation: int, round: int, content: bytes) -> str:
        """A signal has come, also while nobody waits. Return what is wrong with it, or nothing."""
        with self._mutex:
            self._asked = max(self._asked, generation if round < 0 else -1)
            reasons = self._act(
                self._machine.signal(self._members.processes.index(process), generation, round, unpack(content))
            )
            self._answer()
        return "; ".join(reasons)

    def close(self) -> None:
        """Do nothing more."""
        with self._mutex:
            self._machine.end()

    def _act(self, actions: Sequence[Signal | Proceed | Mismatch | Violation]) -> list[str]:
        """Carry out what the machine asks for, in order; return the violations."""
        reasons = []
        for action in actions:
            match action:
                case Signal(to, generation, round, told):
                    self._send(self._members.processes[to], generation, round, pack(told))
                case Violation(_, reason):
                    reasons.append(reason)
                case verdict:
                    self._verdict = verdict
                    self._open.release()
        return reasons

    def _ask(self) -> None:
        with self._mutex:
            self._asked = max(self._asked, self._machine.generation)
            self._answer()

    def _answer(self) -> None:
        """Where somebody's wait is long, tell all that this process is here; once in a generation."""
        if self._asked == self._machine.generation != self._told:
            self._told = self._machine.generation
            self._act(self._machine.overdue())

    def _missing(self) -> list[int]:
        with self._mutex:
            return self._ranks(self._machine.missing())

    def _ranks(self, positions: Sequence[int]) -> list[int]:
        return [rank for position in positions for rank in self._members.told(self._members.processes[position])]
