"""Posts that have come to a process's own memory: what the peers of a job with one process post to each other."""

import threading
from collections.abc import Iterable

from ..encoding import Encoded
from .base import POST_LIMIT, POST_OVERHEAD, Inbound, Posts


class Inbox:
    """What has arrived for one peer. Any thread puts, the peer's own takes."""

    def __init__(self) -> None:
        self._arrived: list[Inbound] = []
        self._condition = threading.Condition()

    def put(self, inbound: Inbound) -> None:
        """Append something, and wake the peer."""
        with self._condition:
            self._arrived.append(inbound)
            self._condition.notify_all()

    def take(self) -> list[Inbound]:
        """Return all and forget it."""
        with self._condition:
            taken, self._arrived = self._arrived, []
        return taken

    def await_arrival(self, seconds: float) -> bool:
        """Return whether anything is there; sleep first until it is, at most `seconds`."""
        with self._condition:
            return self._condition.wait_for(lambda: bool(self._arrived), seconds)


class Credit:
    """What one process may still post to one peer. For all its threads.

    Args:
        limit: bytes.

    Attributes:
        outstanding: bytes that are under way.
    """

    def __init__(self, limit: int) -> None:
        self.outstanding = 0
        self._limit = limit
        self._condition = threading.Condition()

    def reserve(self, encoded: Encoded) -> bool:
        """Count a value as under way, unless the limit is reached."""
        with self._condition:
            if self.outstanding >= self._limit:
                return False
            self.outstanding += encoded.size + POST_OVERHEAD
            return True

    def release(self, count: int, size: int) -> bool:
        """Count so many values of that size, all together, as taken; return whether so much was under way.

        Wakes who waits for room.
        """
        released = size + count * POST_OVERHEAD
        with self._condition:
            if not 0 <= released <= self.outstanding:
                return False
            self.outstanding -= released
            self._condition.notify_all()
        return True

    def await_room(self, seconds: float) -> None:
        """Sleep until the limit is not reached, at most `seconds`."""
        with self._condition:
            self._condition.wait_for(lambda: self.outstanding < self._limit, seconds)


class LocalPosts(Posts):
    """Between threads of one process.

    Args:
        peers: those of the process, which are all.
        limit: bytes that may be under way to one peer.
    """

    def __init__(self, peers: Iterable[int], limit: int = POST_LIMIT) -> None:
        self._inboxes = {peer: Inbox() for peer in peers}
        self._credits = {peer: Credit(limit) for peer in self._inboxes}
        self._finished: set[int] = set()

    def try_post(self, sender: int, receiver: int, encoded: Encoded) -> bool:
        """Encode into memory of the receiver's own."""
        if not self._credits[receiver].reserve(encoded):
            return False
        memory = bytearray(encoded.size)
        encoded.write(memoryview(memory))
        self._inboxes[receiver].put(Inbound(sender, receiver, memory, owned=True))
        return True

    def outstanding(self, receiver: int) -> int:
        """Return the bytes that lie in the inbox."""
        return self._credits[receiver].outstanding

    def await_room(self, receiver: int, seconds: float) -> None:
        """Sleep until the peer has taken what it has."""
        self._credits[receiver].await_room(seconds)

    def take(self, receiver: int) -> list[Inbound]:
        """Empty the inbox."""
        taken = self._inboxes[receiver].take()
        self._credits[receiver].release(len(taken), sum(len(inbound.memory) for inbound in taken))
        return taken

    def await_arrival(self, receiver: int, seconds: float) -> bool:
        """Look into the inbox."""
        return self._inboxes[receiver].await_arrival(seconds)

    def finish(self, peer: int) -> None:
        """Note it."""
        self._finished.add(peer)

    def finished(self, peer: int) -> bool:
        """Look it up."""
        return peer in self._finished
