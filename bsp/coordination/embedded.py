"""Coordination by shared memory: the default, for the processes of one host, without a server."""

import os
import socket
import time
from collections.abc import Iterable

from ..barriers.patience import Patience
from ..errors import JobAborted
from ..memory.board import Board
from ..memory.control import ControlBlock
from ..placement import Placement
from .base import Coordinator, Member, Room, check_key

_POLL = 0.001


class EmbeddedCoordinator(Coordinator):
    """Process `rank`'s view of a job on this host.

    Args:
        control: the job's control words.
        board: what the processes publish.
        placement: which peers live in which process.
        rank: this process.
        parent: pid of the launcher, without which the job is over.
    """

    def __init__(
        self,
        control: ControlBlock,
        board: Board,
        placement: Placement,
        rank: int,
        parent: int | None = None,
    ) -> None:
        self._control = control
        self._board = board
        self._placement = placement
        self._rank = rank
        self._parent = parent
        self._room = Room()

    def join(self) -> None:
        """Publish the pid, and wait for those of the others."""
        self.check()
        self._control.register(self._rank)
        patience = Patience(None, self._absent)
        while self._control.absent():
            self.check()
            patience.check()
            time.sleep(_POLL)

    def members(self) -> dict[int, Member]:
        """Return who has published a pid and not left."""
        host = socket.gethostname()
        return {
            rank: Member(host, pid, self._placement.bounds(rank)) for rank, pid in sorted(self._control.pids().items())
        }

    def publish(self, key: str, value: bytes) -> None:
        """Write it on the board."""
        self._room.take(key, value)
        self._board.publish(key, value)

    def lookup(self, key: str) -> bytes | None:
        """Look at the board."""
        check_key(key)
        return self._board.lookup(key)

    def abort(self, reason: str, ranks: Iterable[int] = ()) -> None:
        """Set the abort word."""
        self._control.abort(self._rank, reason, ranks)

    def check(self) -> None:
        """Look at the abort word, and whether the launcher lives."""
        self._control.check()
        if self._parent is not None and os.getppid() != self._parent:
            raise JobAborted("the launcher of the job is gone")

    def leave(self) -> None:
        """Take the pid back."""
        self._control.deregister(self._rank)

    def _absent(self) -> list[int]:
        return [peer for process in self._control.absent() for peer in self._placement.ranks(process)]
