"""The barrier of the processes of a host: a gather to the first of them and a release, on words in shared memory.

The first process of the group is the root. It waits for every arrival word in turn, joins what they brought, and
publishes the verdict with the release word. Cost: l = 4-14 µs for 2 processes, 0.2-0.3 ms for 20 on two cores.
"""

from collections.abc import Callable

from .. import failpoints
from ..memory.words import MeetingWords
from ..placement import Members
from .base import MISMATCH, Arrival, Barrier, Verdict, mismatch
from .patience import Patience

# Generations are signed 32-bit words; equality is all that is asked of them, so they may wrap.
_GENERATIONS = 2**30


class WordsBarrier(Barrier):
    """One process's side of the barrier.

    Args:
        words: where the group meets; participant i is the process `members.processes[i]`.
        members: the group.
        process: this process.
        check: runs every 50 ms in a waiting process; raises what ended the job.
        timeout: seconds to wait for the others, or None for as long as they live.
    """

    def __init__(
        self,
        words: MeetingWords,
        members: Members,
        process: int,
        check: Callable[[], None],
        timeout: float | None = None,
    ) -> None:
        self._words = words
        self._members = members
        self._position = members.processes.index(process)
        self._check = check
        self._timeout = timeout
        self._generation = 0
        self._patience: Patience | None = None

    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes; see `Barrier.wait`."""
        generation = self._generation = (self._generation + 1) % _GENERATIONS
        self._patience = None
        words, position, ((code, text), flags) = self._words, self._position, arrival
        failpoints.hit("barrier.arriving")
        words.announce(position, generation, code, text, flags)
        failpoints.hit("barrier.announced")
        if position == 0:
            flags = self._gather(code, flags)
            words.release(generation, flags)
        else:
            flags = words.await_release(generation, self._wait_on)
        if flags & MISMATCH:
            raise mismatch(self._calls())
        return Verdict(flags)

    def close(self) -> None:
        """Nothing is held: the words belong to the transport."""

    def _gather(self, own: int, flags: int) -> int:
        words, generation, wait_on = self._words, self._generation, self._wait_on
        for position in range(1, words.participants):
            code, theirs = words.await_arrival(position, generation, wait_on)
            flags |= theirs if code == own else theirs | MISMATCH
        return flags

    def _wait_on(self) -> None:
        self._check()
        if self._patience is None:
            self._patience = Patience(self._timeout, self._missing)
        self._patience.check()

    def _missing(self) -> list[int]:
        late = [
            process
            for position, process in enumerate(self._members.processes)
            if not self._words.has_arrived(position, self._generation)
        ]
        return [rank for process in late for rank in self._members.told(process)]

    def _calls(self) -> dict[str, list[int]]:
        calls: dict[str, list[int]] = {}
        for position, process in enumerate(self._members.processes):
            text = self._words.call_of(position, self._generation).decode(errors="replace")
            calls.setdefault(text, []).extend(self._members.told(process))
        return calls
