"""Which part of the job's work a group of workers does next, where the groups train asynchronously of each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from ..servers import Servers
from ..strategies import Team


class Part(NamedTuple):
    """A part of a batch: the iteration whose batch it is, and which of its parts, one for each group."""

    iteration: int
    part: int


class Work(ABC):
    """What is left to do.

    Attributes:
        stopped: whether there is nothing more because the job is asked to stop.
    """

    def __init__(self) -> None:
        self.stopped = False

    @abstractmethod
    def next(self) -> Part | None:
        """The next part for this peer's group; None when all is done, or the job is asked to stop."""


class OwnShare(Work):
    """A group's share of every batch.

    Args:
        part: which it is.
        iterations: how many batches there are.
        stopping: whether the job is asked to stop.
    """

    def __init__(self, part: int, iterations: int, stopping: Callable[[], bool]) -> None:
        super().__init__()
        self._part, self._iterations, self._stopping = part, iterations, stopping
        self._next = 0

    def next(self) -> Part | None:
        if self._next == self._iterations:
            return None
        if self._stopping():
            self.stopped = True
            return None
        self._next += 1
        return Part(self._next - 1, self._part)


class SharedBudget(Work):
    """What all groups share: the first server hands it out, part by part.

    Args:
        servers: the servers.
    """

    def __init__(self, servers: Servers) -> None:
        super().__init__()
        self._servers = servers

    def next(self) -> Part | None:
        iteration, part = self._servers.take()
        if iteration < 0:
            self.stopped = bool(part)
            return None
        return Part(iteration, part)


class TogetherInGroup(Work):
    """What the first member of a group is given, for all of its members.

    Args:
        work: asked by the first member alone.
        group: the members.
    """

    def __init__(self, work: Work, group: Team) -> None:
        super().__init__()
        self._work, self._group = work, group

    def next(self) -> Part | None:
        taken = self._work.next() if self._group.index == 0 else None
        told = self._group.broadcast([-1, int(self._work.stopped)] if taken is None else list(taken))
        if told[0] < 0:
            self.stopped = bool(told[1])
            return None
        return Part(*told)
