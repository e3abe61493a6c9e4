"""Coordination by shared memory: the default, for the processes of one host, without a server."""

import socket
from collections.abc import Iterable

from ..barriers import SYNC, Arrival, ProcessBarrier
from ..control import ControlBlock
from ..placement import Placement
from .base import Coordinator, Member


class EmbeddedCoordinator(Coordinator):
    """Process `rank`'s view of a job on this host.

    Args:
        control: the job's control words.
        placement: which peers live in which process.
        rank: this process.
        timeout: seconds to wait at a barrier, or None for as long as the others live.
        parent: pid of the launcher, without which the job is over.
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
        self.processes = ProcessBarrier(control, placement, rank, timeout=timeout, parent=parent)
        self._control = control
        self._placement = placement
        self._rank = rank

    def join(self) -> None:
        """Publish the pid."""
        self._control.check()
        self._control.register(self._rank)

    def members(self) -> dict[int, Member]:
        """Return who has published a pid and not left."""
        host = socket.gethostname()
        return {
            rank: Member(host, pid, self._placement.bounds(rank)) for rank, pid in sorted(self._control.pids().items())
        }

    def barrier(self) -> None:
        """Meet the other processes on the control words. Cost: l, microseconds."""
        self.processes.wait(Arrival(SYNC))

    def abort(self, reason: str, ranks: Iterable[int] = ()) -> None:
        """Set the abort word and wake everybody."""
        self._control.abort(self._rank, reason, ranks)

    def check(self) -> None:
        """Look at the abort word."""
        self.processes.check()

    def leave(self) -> None:
        """Take the pid back."""
        self._control.deregister(self._rank)
