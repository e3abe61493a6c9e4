"""The contract of transports: how bytes come from one worker process to another.

A group of peers has two lanes, one for messages and one for collectives. What is sent in an epoch of a lane is read
after the barrier that ends the epoch, until the next one; the barrier is not the lane's business, but it relies on it:
whoever sends in epoch e has passed the barrier of e - 1. (An epoch of the messages is a superstep, one of the
collectives a phase of an operation.)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..barriers import Barrier
from ..encoding import Encoded, decode
from ..placement import Members

Offer = dict[str, Any]
"""What a process tells the others of a group so that they can reach it: plain data."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """Something that was sent to this process.

    Attributes:
        sender: the member of the group that sent it.
        receiver: the member that it is for, or -1 for all.
        memory: the encoded value.
        owned: whether the memory is this process's own; else it is the sender's, and readable until the next barrier.
    """

    sender: int
    receiver: int
    memory: bytearray | memoryview
    owned: bool

    def value(self) -> Any:
        """Decode the value; its arrays are writable and the receiver's own."""
        return decode(self.memory if self.owned else bytearray(self.memory))

    def view(self) -> Any:
        """Decode the value in place: its arrays are to be read before the next barrier."""
        return decode(self.memory)


class Lane(ABC):
    """One stream of epochs between the processes of a group. For all threads of this process."""

    @abstractmethod
    def room(self, epoch: int, to: Sequence[int], sender: int, receiver: int, size: int) -> memoryview:
        """Return memory to write an encoded value into, at once; it is on its way when the lane has settled.

        Args:
            epoch: present epoch of the lane, from 0.
            to: the other processes that it is for; may be none.
            sender: the member that sends.
            receiver: the member that receives, or -1.
            size: bytes.

        Raises:
            BSPError: no memory left, or the value is larger than the transport can carry.
        """

    def send(self, epoch: int, to: Sequence[int], sender: int, receiver: int, encoded: Encoded) -> None:
        """Send a value; see `room`."""
        encoded.write(self.room(epoch, to, sender, receiver, encoded.size))

    @abstractmethod
    def sent(self, epoch: int) -> bool:
        """Whether this process has sent anything to another one in an epoch."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until all that this process has sent lies ready at its receivers. Called before each barrier."""

    @abstractmethod
    def receive(self, epoch: int) -> list[Inbound]:
        """Return what the others have sent to this process in an epoch, by process and then in the order of sending.

        Called once, after the barrier that ended the epoch.
        """


class Channel(ABC):
    """What a transport gives the processes of one group."""

    messages: Lane
    collectives: Lane
    barrier: Barrier

    @abstractmethod
    def close(self) -> None:
        """Give back what the group held. Its members have left their last barrier."""


class Transport(ABC):
    """Moves bytes between the worker processes of a job."""

    @abstractmethod
    def offer(self, group: str, members: Members) -> Offer:
        """Allocate what this process brings to a group, and return what the others must know of it."""

    @abstractmethod
    def open(self, group: str, members: Members, offers: Mapping[int, Offer]) -> Channel:
        """Return this process's side of a group, given the offers of all its processes, its own included."""

    @abstractmethod
    def close(self) -> None:
        """End all. The job is over."""
