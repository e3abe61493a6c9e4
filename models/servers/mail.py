"""Posts by kind: what arrives while something else is waited for is kept until it is asked for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from horn.bsp import BarrierTimeout
from horn.bsp.errors import format_ranks


class Letter(NamedTuple):
    """A post that has arrived: its sender's index in the job, and what it says."""

    sender: int
    fields: Sequence[Any]


class Poster(Protocol):
    """What posts need of a peer; see `horn.bsp.Peer`."""

    @property
    def stop_requested(self) -> bool: ...
    def post(self, to: int, value: object, timeout: float | None = None) -> None: ...
    def inbox(self) -> Sequence[Any]: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class Mail:
    """One peer's post.

    Args:
        peer: the peer.
        timeout: seconds to wait for a letter, or for room for one; None for as long as the others live.
    """

    def __init__(self, peer: Poster, timeout: float | None = None) -> None:
        self._peer, self._timeout = peer, timeout
        self._kept: dict[str, deque[Letter]] = {}

    def send(self, to: int, kind: str, *fields: Any) -> None:
        """Post to a peer of the job.

        Raises:
            PostTimeout: it does not read.

        Cost: h·g.
        """
        self._peer.post(to, [kind, *fields], self._timeout)

    def receive(self, kind: str, senders: Sequence[int]) -> Letter:
        """Wait for the next letter of a kind; those of one sender come in order.

        Args:
            kind: what was asked for.
            senders: the peers that were asked, for the error.

        Raises:
            JobAborted: the job has ended.
            BarrierTimeout: none has come in time.
            BSPError: nobody runs any more that could send one.
        """
        kept = self._kept.setdefault(kind, deque())
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while not kept:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            if not self._peer.wait(left):
                raise BarrierTimeout(
                    f"{format_ranks(senders)} did not answer with {kind} within {self._timeout} s: what was asked for "
                    "may depend on workers that are slow, or wait themselves; if they only need longer, give fit a "
                    "larger timeout",
                    senders,
                )
            self._sort()
        return kept.popleft()

    def _sort(self) -> None:
        for post in self._peer.inbox():
            kind, *fields = post.value
            self._kept.setdefault(kind, deque()).append(Letter(post.sender, fields))
