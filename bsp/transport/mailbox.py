"""What the peers of one process have sent and received: local messages by reference, others through shared memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..encoding import Encoded, decode
from ..errors import BSPError
from ..placement import Placement
from .shared import Inbound, Outbox


@dataclass(frozen=True, slots=True)
class Local:
    """A message inside a process: its encoding, or the value itself where it was moved."""

    sender: int
    receiver: int
    memory: bytearray | None
    moved: object = None

    def value(self) -> object:
        """Return the value; its arrays belong to the receiver."""
        return self.moved if self.memory is None else decode(self.memory)


Message = Local | Inbound


class Mailbox:
    """The messages of the peers of one process.

    Local messages are kept per sender, so that no two threads ever append to one list.

    Args:
        placement: which peers live where.
        process: this process.
        outbox: the way to the other processes.
    """

    def __init__(self, placement: Placement, process: int, outbox: Outbox) -> None:
        self._placement = placement
        self._process = process
        self._outbox = outbox
        self._ranks = placement.ranks(process)
        self._local: dict[int, list[Local]] = {rank: [] for rank in self._ranks}
        self._inbox: dict[int, list[Message]] = {}

    def send(self, superstep: int, sender: int, receiver: int, value: object, move: bool) -> None:
        """Buffer a message; see `Peer.send`."""
        if not 0 <= receiver < self._placement.peers:
            raise BSPError(f"the receiver must be in [0, {self._placement.peers}), got {receiver}")
        encoded = Encoded(value)
        process = self._placement.process_of(receiver)
        if process != self._process:
            self._outbox.send(superstep, sender, receiver, process, encoded)
        elif move:
            self._local[sender].append(Local(sender, receiver, None, value))
        else:
            memory = bytearray(encoded.size)
            encoded.write(memoryview(memory))
            self._local[sender].append(Local(sender, receiver, memory))

    def sent(self, superstep: int) -> bool:
        """Whether messages for other processes wait for the barrier."""
        return self._outbox.sent(superstep)

    def deliver(self, superstep: int, remote: bool) -> None:
        """Make what was sent in `superstep` readable. Called by one thread while all others wait at the barrier.

        Args:
            superstep: the one that ends.
            remote: whether any process sent messages to another one.
        """
        self._inbox = {}
        for messages in self._local.values():
            self._put(messages)
            messages.clear()
        if remote:
            self._put(list(self._outbox.receive(superstep)))
            for inbox in self._inbox.values():
                inbox.sort(key=_sender)

    def received(self, peer: int) -> Sequence[Message]:
        """Return the messages of a peer in the order of (sender, sequence)."""
        return self._inbox.get(peer, ())

    def _put(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._inbox.setdefault(message.receiver, []).append(message)


def _sender(message: Message) -> int:
    return message.sender
