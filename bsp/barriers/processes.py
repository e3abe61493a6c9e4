"""The barrier between the processes of a host: a gather to process 0 and a release, on words in shared memory.

Process 0 is the root. It waits for every arrival word in turn, joins what they brought, and publishes the verdict with
the release word. Cost: l = 4-14 µs for 2 processes, 0.2-0.3 ms for 20 on two cores. No process can be more than one
generation ahead of another.
"""

import os

from .. import failpoints
from ..control import ControlBlock
from ..errors import BSPError, JobAborted, format_ranks
from ..placement import Placement
from .base import MISMATCH, STOP, Arrival, Verdict, describe_call
from .patience import Patience

# Generations are signed 32-bit words; equality is all that is asked of them, so they may wrap.
_GENERATIONS = 2**30


class ProcessBarrier:
    """Process `rank`'s side of the barrier.

    Args:
        control: the job's control words.
        placement: which peers live in which process, for the errors.
        rank: this process.
        timeout: seconds to wait for the others, or None for as long as they live.
        parent: pid of the launcher; when it is not our parent any more, the job has ended.
    """

    def __init__(
        self,
        control: ControlBlock,
        placement: Placement,
        rank: int,
        *,
        timeout: float | None = None,
        parent: int | None = None,
    ) -> None:
        self._control = control
        self._placement = placement
        self._rank = rank
        self._timeout = timeout
        self._parent = parent
        self._generation = 0
        self._patience: Patience | None = None

    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes.

        Returns:
            The verdict: the union of all flags, and whether the job was asked to stop.

        Raises:
            JobAborted: the job was ended.
            BarrierTimeout: names the peers that did not come in time.
            BSPError: the processes came for different reasons.
        """
        self._generation = (self._generation + 1) % _GENERATIONS
        self._patience = None
        control, generation = self._control, self._generation
        failpoints.hit("barrier.arriving")
        control.announce(self._rank, generation, arrival.call, arrival.flags)
        failpoints.hit("barrier.announced")
        if self._rank == 0:
            flags = self._gather(arrival)
            control.release(generation, flags)
        else:
            flags = control.await_release(generation, self._wait_on)
        if control.aborted:
            control.check()
        if flags & MISMATCH:
            raise BSPError(self._explain_mismatch(), range(self._placement.peers))
        return Verdict(flags)

    def _gather(self, arrival: Arrival) -> int:
        flags = arrival.flags
        for rank in range(1, self._control.processes):
            call, theirs = self._control.await_arrival(rank, self._generation, self._wait_on)
            flags |= theirs | (MISMATCH if call != arrival.call else 0)
        # Sampled once, by the root: so all peers see a request to stop in the same superstep.
        return flags | (STOP if self._control.stop_requested else 0)

    def check(self) -> None:
        """Raise JobAborted when the job was ended or its launcher is gone. Runs every 50 ms in every waiting peer."""
        self._control.check()
        if self._parent is not None and os.getppid() != self._parent:
            raise JobAborted("the launcher of the job is gone")

    def _wait_on(self) -> None:
        self.check()
        if self._patience is None:
            self._patience = Patience(self._timeout, self.missing)
        self._patience.check()

    def missing(self) -> list[int]:
        """Return the peers of the processes that have not arrived."""
        late = [p for p in range(self._control.processes) if not self._control.has_arrived(p, self._generation)]
        return [peer for process in late for peer in self._placement.ranks(process)]

    def _explain_mismatch(self) -> str:
        calls: dict[int, list[int]] = {}
        for process in range(self._control.processes):
            call = self._control.call_of(process, self._generation)
            calls.setdefault(call, []).extend(self._placement.ranks(process))
        return explain_mismatch(calls)


def explain_mismatch(calls: dict[int, list[int]]) -> str:
    """Say who came to a barrier for what."""
    told = "; ".join(f"{format_ranks(ranks)} {describe_call(call)}" for call, ranks in calls.items())
    return f"the peers came to one barrier for different reasons: {told}. All must make the same calls in order"
