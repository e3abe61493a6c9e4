"""A team of one: the only worker of a job that runs in the calling process, or the only task of a replica."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Alone:
    """A `Team` of one.

    Args:
        report: called with what `progress` is given.
    """

    index = 0
    num_peers = 1
    waited = 0.0

    def __init__(self, report: Callable[[Any], None] = lambda value: None) -> None:
        self.stopping = self.stop_requested = False
        self._report = report
        self._sent: list[Any] = []

    def stop(self) -> None:
        """Ask the program to end after its step."""
        self.stopping = self.stop_requested = True

    def sync(self) -> None:
        """Nobody else is to be waited for."""

    def allreduce(self, x: Any, op: str = "sum") -> Any:
        """A copy of `x`, as every operation over one value is the value."""
        return np.array(x)

    def broadcast(self, x: Any, root: int = 0) -> Any:
        """`x` itself."""
        return x

    def allgather(self, x: Any) -> list[Any]:
        """The only value."""
        return [x]

    def alltoall(self, values: Sequence[Any]) -> list[Any]:
        """What this one gives itself."""
        return list(values)

    def split(self, color: int) -> Alone:
        """This one, alone again."""
        return self

    def send(self, to: int, value: Any) -> None:
        """Keep a value for `messages`."""
        self._sent.append(value)

    def messages(self) -> list[Any]:
        """What was sent."""
        sent, self._sent = self._sent, []
        return sent

    def progress(self, value: Any) -> None:
        """Hand `value` to the caller."""
        self._report(value)
