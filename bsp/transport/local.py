"""The transport of a job with one process: peers are threads, and there is nobody else to send to."""

from collections.abc import Callable, Mapping, Sequence

from ..barriers import LoneBarrier
from ..errors import BSPError
from ..placement import Members, Placement
from .base import Channel, Inbound, Lane, Offer, Transport
from .inboxes import LocalPosts


class LocalLane(Lane):
    """Gives memory; keeps and sends nothing."""

    def room(self, epoch: int, to: Sequence[int], sender: int, receiver: int, size: int) -> memoryview:
        """Return memory that lives as long as somebody looks at it."""
        if to:
            raise BSPError(f"a job of one process cannot send to process {to[0]}")
        return memoryview(bytearray(size))

    def sent(self, epoch: int) -> bool:
        """Never."""
        return False

    def settle(self) -> None:
        """Nothing is on its way."""

    def receive(self, epoch: int) -> list[Inbound]:
        """Return nothing."""
        return []


class LocalChannel(Channel):
    """The channel of every group."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.messages = self.collectives = LocalLane()
        self.barrier = LoneBarrier(check)

    def close(self) -> None:
        """Nothing is held."""


class LocalTransport(Transport):
    """Between threads of one process.

    Args:
        placement: of the peers, in the one process.
        check: raises what ended the job.
    """

    def __init__(self, placement: Placement, check: Callable[[], None]) -> None:
        self.posts = LocalPosts(placement.ranks(0))
        self._check = check

    def offer(self, group: str, members: Members) -> Offer:
        """Nothing is to be known."""
        return {}

    def open(self, group: str, members: Members, offers: Mapping[int, Offer]) -> Channel:
        """Return a channel."""
        return LocalChannel(self._check)

    def close(self) -> None:
        """Nothing is held."""
