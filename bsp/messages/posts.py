"""What peers tell each other outside of supersteps, as the peers of one process see it."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from ..encoding import Encoded
from ..errors import BSPError, PostTimeout, format_ranks
from ..transport import Posts

# How long one sleep lasts: then it is looked whether the job was aborted.
SLICE = 0.05


class Post(NamedTuple):
    """A value that a peer has posted.

    Attributes:
        sender: the peer's index in the job.
        value: the value, the receiver's own.
    """

    sender: int
    value: Any


class PostOffice:
    """The way of posts from and to the peers of one process. For all their threads.

    Args:
        peers: how many peers the job has.
        posts: the transport's queues.
        check: raises what ended the job.
        waited: seconds that each peer of this process has waited for others, by its rank; added to here.
    """

    def __init__(self, peers: int, posts: Posts, check: Callable[[], None], waited: MutableMapping[int, float]) -> None:
        self._peers = peers
        self._posts = posts
        self._check = check
        self._waited = waited

    def post(self, sender: int, receiver: int, value: object, timeout: float | None) -> None:
        """Post a value; see `Peer.post`."""
        if not 0 <= receiver < self._peers:
            raise BSPError(f"the receiver must be in [0, {self._peers}), got {receiver}")
        encoded = Encoded(value)
        deadline = _deadline(timeout)
        while not self._posts.try_post(sender, receiver, encoded):
            self._check()
            self._refuse_in_vain(sender, receiver)
            left = SLICE if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise PostTimeout(
                    f"{format_ranks([receiver])} left no room within {timeout} s for a post of {encoded.size} bytes: "
                    f"{self._outstanding(receiver)}; post less, or let it read its inbox more often",
                    [receiver],
                )
            start = time.perf_counter()
            self._posts.await_room(receiver, min(left, SLICE))
            self._waited[sender] += time.perf_counter() - start

    def inbox(self, receiver: int) -> list[Post]:
        """Return what has arrived for a peer; see `Peer.inbox`."""
        return [Post(inbound.sender, inbound.value()) for inbound in self._posts.take(receiver)]

    def wait(self, receiver: int, timeout: float | None) -> bool:
        """Wait until something is in a peer's inbox; see `Peer.wait`."""
        start = time.perf_counter()
        try:
            return self._wait(receiver, timeout)
        finally:
            self._waited[receiver] += time.perf_counter() - start

    def _wait(self, receiver: int, timeout: float | None) -> bool:
        deadline = _deadline(timeout)
        while True:
            self._check()
            left = SLICE if deadline is None else max(0.0, deadline - time.monotonic())
            if self._posts.await_arrival(receiver, min(left, SLICE)):
                return True
            if left <= 0:
                return False
            if deadline is None and self._alone(receiver) and not self._posts.await_arrival(receiver, 0):
                raise BSPError(
                    f"{format_ranks([receiver])} waits for posts, but no other peer runs any more that could post: "
                    "let the others say when they are done, or give wait() a timeout",
                    [receiver],
                )

    def finish(self, peer: int) -> None:
        """Tell all that a peer's program has ended, and have its posts lie at their receivers."""
        self._posts.finish(peer)

    def unread(self, peer: int) -> int:
        """Drop what a peer has not read, and return how many posts that were. All peers have finished."""
        return len(self._posts.take(peer))

    def _refuse_in_vain(self, sender: int, receiver: int) -> None:
        if receiver == sender:
            raise BSPError(
                f"{format_ranks([sender])} posts to itself faster than it reads: {self._outstanding(receiver)}; "
                "read the inbox first",
                [sender],
            )
        if self._posts.finished(receiver):
            raise BSPError(
                f"{format_ranks([receiver])} has finished its program and reads no posts any more: "
                f"{self._outstanding(receiver)}; let it go on until it has read what it is sent",
                [receiver],
            )

    def _outstanding(self, receiver: int) -> str:
        return f"{self._posts.outstanding(receiver)} bytes from this process lie unread there"

    def _alone(self, peer: int) -> bool:
        return all(self._posts.finished(other) for other in range(self._peers) if other != peer)


def _deadline(timeout: float | None) -> float | None:
    if timeout is None:
        return None
    if not timeout >= 0:
        raise BSPError(f"a timeout must be a number of seconds of at least 0, or None, got {timeout!r}")
    return time.monotonic() + timeout
