"""A site: what the peers of one worker process share. Its barriers, its mailbox, its collectives."""

from collections.abc import Callable, Sequence

from .barriers import MESSAGES, SYNC, Arrival, ProcessBarrier, ThreadBarrier, Verdict
from .collectives import Collectives
from .control import ControlBlock
from .memory import Segment
from .placement import Placement
from .transport import Mailbox, Outbox


class Site:
    """The peers of one process and their way to the others.

    Args:
        placement: which peers live where.
        process: this process.
        control: the job's control words.
        barrier: the barrier between the processes.
        arenas, contributions, results: per process, the memory for its messages and collectives.
        timeout: seconds that a peer waits for the others of its process, or None for as long as it takes.
        before: called by the last thread of the process to arrive, before the processes meet.
    """

    def __init__(
        self,
        placement: Placement,
        process: int,
        control: ControlBlock,
        barrier: ProcessBarrier,
        *,
        arenas: Sequence[tuple[Segment, Segment]],
        contributions: Sequence[Segment],
        results: Sequence[Segment],
        timeout: float | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.placement = placement
        self.process = process
        self.control = control
        self._barrier = barrier
        self._before = before
        self._superstep = 0
        self._threads = ThreadBarrier(placement.ranks(process), self._cross, barrier.check, timeout)
        self.mailbox = Mailbox(placement, process, Outbox(process, arenas))
        self.collectives = Collectives(placement, process, contributions, results, self.wait)

    def wait(self, peer: int, call: int) -> Verdict:
        """Wait for all peers of the job, which must make the same call."""
        return self._threads.wait(peer, call)

    def _cross(self, arrival: Arrival) -> Verdict:
        if self._before is not None:
            self._before()
        if arrival.call != SYNC:
            return self._barrier.wait(arrival)
        sent = MESSAGES if self.mailbox.sent(self._superstep) else 0
        verdict = self._barrier.wait(Arrival(SYNC, sent))
        self.mailbox.deliver(self._superstep, verdict.messages)
        self._superstep += 1
        return verdict
