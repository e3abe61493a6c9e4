"""A lane whose values travel compressed, around the lane of any transport."""

from collections.abc import Sequence

from ..compression import Codec
from ..encoding import Encoded, compressed
from .base import Inbound, Lane


class CompressingLane(Lane):
    """Compresses what is sent whole; memory that is filled in place travels as it is.

    Args:
        lane: carries the bytes.
        codec: compresses them. The receiver sees by the encoding what to expand.
    """

    def __init__(self, lane: Lane, codec: Codec) -> None:
        self._lane = lane
        self._codec = codec

    def room(self, epoch: int, to: Sequence[int], sender: int, receiver: int, size: int) -> memoryview:
        """Return memory of the lane; see `Lane.room`."""
        return self._lane.room(epoch, to, sender, receiver, size)

    def send(self, epoch: int, to: Sequence[int], sender: int, receiver: int, encoded: Encoded) -> None:
        """Send a value compressed; see `Lane.send`."""
        self._lane.send(epoch, to, sender, receiver, compressed(encoded, self._codec))

    def sent(self, epoch: int) -> bool:
        """Whether anything was sent; see `Lane.sent`."""
        return self._lane.sent(epoch)

    def settle(self) -> None:
        """Wait for the lane."""
        self._lane.settle()

    def receive(self, epoch: int) -> list[Inbound]:
        """Return what the lane has received."""
        return self._lane.receive(epoch)
