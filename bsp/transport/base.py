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
from ..memory.space import own_copy
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
        return decode(self.memory if self.owned else own_copy(self.memory))

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


POST_LIMIT = 16 << 20
"""Bytes of posts that one process may have under way to one peer before it has to wait."""
POST_OVERHEAD = 128
"""Bytes that each post counts besides its own: many empty ones fill a queue, too."""


class Posts(ABC):
    """What peers tell each other outside of supersteps: a queue from each process to each peer, bounded by bytes.

    For all threads of this process; what is for a peer is taken by its own thread only. Nothing here waits for longer
    than `seconds`: the caller looks in between whether the job goes on.
    """

    @abstractmethod
    def try_post(self, sender: int, receiver: int, encoded: Encoded) -> bool:
        """Post a value, buffered here and now, unless the limit's bytes are under way to the receiver already.

        A queue below its limit takes a value of any size.

        Args:
            sender: the peer of this process that posts; peers go by their index in the job.
            receiver: the peer that it is for.
            encoded: the value.

        Raises:
            BSPError: no memory left.
        """

    @abstractmethod
    def outstanding(self, receiver: int) -> int:
        """Return the bytes that this process has posted to a peer and that it has not taken, as far as is known."""

    @abstractmethod
    def await_room(self, receiver: int, seconds: float) -> None:
        """Sleep until the queue to a peer may be below its limit, but not for longer than `seconds`."""

    @abstractmethod
    def take(self, receiver: int) -> list[Inbound]:
        """Return what has arrived for a peer of this process, its own memory, in order for each sender."""

    @abstractmethod
    def await_arrival(self, receiver: int, seconds: float) -> bool:
        """Return whether anything is there for a peer of this process; sleep first until it is, at most `seconds`."""

    @abstractmethod
    def finish(self, peer: int) -> None:
        """Tell all processes that a peer of this one posts and takes no more.

        When it returns, what this process has posted lies at its receivers. Unlike the others this may wait for them.
        """

    @abstractmethod
    def finished(self, peer: int) -> bool:
        """Whether a peer of the job has finished, as far as is known here."""


class Transport(ABC):
    """Moves bytes between the worker processes of a job.

    Attributes:
        posts: the queues that serve no group.
    """

    posts: Posts

    @abstractmethod
    def offer(self, group: str, members: Members) -> Offer:
        """Allocate what this process brings to a group, and return what the others must know of it."""

    @abstractmethod
    def open(self, group: str, members: Members, offers: Mapping[int, Offer]) -> Channel:
        """Return this process's side of a group, given the offers of all its processes, its own included."""

    @abstractmethod
    def close(self) -> None:
        """End all. The job is over."""
