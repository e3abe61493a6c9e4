"""Posts by kind: what arrives while something else is waited for is kept until it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


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
    """

    def __init__(self, peer: Poster) -> None:
        self._peer = peer
        self._kept: dict[str, deque[Letter]] = {}

    def send(self, to: int, kind: str, *fields: Any) -> None:
        """Post to a peer of the job. Cost: h·g."""
        self._peer.post(to, [kind, *fields])

    def receive(self, kind: str) -> Letter:
        """Wait for the next letter of a kind; those of one sender come in order.

        Raises:
            JobAborted: the job has ended.
            BSPError: nobody runs any more that could send one.
        """
        kept = self._kept.setdefault(kind, deque())
        while not kept:
            self._peer.wait()
            self._sort()
        return kept.popleft()

    def _sort(self) -> None:
        for post in self._peer.inbox():
            kind, *fields = post.value
            self._kept.setdefault(kind, deque()).append(Letter(post.sender, fields))
