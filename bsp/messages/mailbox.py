"""What the members of a group that live in one process have sent and received.

Messages inside a process are kept by reference, others go through the lane of the transport.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..encoding import Encoded, decode
from ..errors import BSPError
from ..memory.space import own_copy
from ..placement import Members
from ..transport import Inbound, Kept, Lane

# Before the encoding of a message of a part: a tag that no value has, and the part's number.
_ADDRESS = struct.Struct("<c7xq")
_PART = ord("#")


@dataclass(frozen=True, slots=True)
class Local:
    """A message inside a process: its encoding, or the value itself where it was moved."""

    sender: int
    receiver: int
    memory: bytearray | memoryview | None
    moved: object = None
    part: int = 0

    def value(self) -> object:
        """Return the value; its arrays belong to the receiver."""
        if self.memory is None:
            return self.moved
        return decode(self.memory if isinstance(self.memory, bytearray) else own_copy(self.memory))

    def view(self) -> Any:
        """Return the value to be read only."""
        return self.moved if self.memory is None else decode(self.memory)


Message = Local | Inbound


class Mailbox:
    """The messages of one process's members of a group.

    Local messages are kept per sender, so that no two threads ever append to one list.

    Args:
        members: the group.
        process: this process.
        lane: the way to the other processes.
        kept: memory for what stays in this process.

    Attributes:
        superstep: the present one: how many have ended.
    """

    def __init__(self, members: Members, process: int, lane: Lane, kept: Kept) -> None:
        self._members = members
        self._process = process
        self._lane = lane
        self._kept = kept
        self._local: dict[int, list[Local]] = {index: [] for index in members.of(process)}
        self._inbox: dict[tuple[int, int], list[Message]] = {}
        self._left: set[int] = set()
        self.superstep = 0

    def check(self, receiver: int) -> None:
        """Raise BSPError for what is no member."""
        # A number of another kind may compare as one of the range.
        if not hasattr(receiver, "__index__") or not 0 <= receiver < len(self._members):
            raise BSPError(f"the receiver must be in [0, {len(self._members)}), got {receiver!r}")

    def send(self, sender: int, receiver: int, value: object, move: bool, part: int = 0) -> None:
        """Buffer a message of a program, or of a part of the group; see `Group.send`."""
        self.check_open(sender)
        self.check(receiver)
        process = self._members.process_of(receiver)
        encoded = Encoded(value, _ADDRESS.pack(b"#", part) if part and process != self._process else b"")
        if process != self._process:
            self._lane.send(self.superstep, (process,), sender, receiver, encoded)
        elif move:
            self._local[sender].append(Local(sender, receiver, None, value, part))
        else:
            memory = self._kept.room(self.superstep, encoded.size)
            encoded.write(memoryview(memory))
            self._local[sender].append(Local(sender, receiver, memory, part=part))

    def sent(self) -> bool:
        """Whether messages for other processes wait for the barrier."""
        return self._lane.sent(self.superstep)

    def deliver(self, remote: bool) -> None:
        """End the superstep: make what was sent in it readable. Called by one thread while all others wait.

        Args:
            remote: whether any process sent messages to another one.
        """
        self._inbox = {}
        self._kept.release(self.superstep - 1)
        for messages in self._local.values():
            if messages:
                self._put(messages)
                messages.clear()
        if remote:
            self._put(self._lane.receive(self.superstep))
            for inbox in self._inbox.values():
                inbox.sort(key=_sender)
        self.superstep += 1

    def received(self, index: int, part: int = 0) -> Sequence[Message]:
        """Return the messages of a member in the order of (sender, sequence)."""
        self.check_open(index)
        return self._inbox.get((index, part), ())

    def leave(self, index: int) -> None:
        """Note that a member has closed the group: what it has not read is about to be overwritten."""
        self._left.add(index)

    def check_open(self, index: int) -> None:
        """Raise BSPError where a member has closed the group."""
        if index in self._left:
            raise BSPError("the group is closed: use it, and read what was sent in it, before close()")

    def close(self) -> None:
        """Give the memory back."""
        self._kept.close()

    def clear(self, index: int) -> None:
        """Drop what a member has received."""
        self._inbox.pop((index, 0), None)

    def _put(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, Local):
                self._inbox.setdefault((message.receiver, message.part), []).append(message)
            elif message.memory[0] == _PART:
                self._inbox.setdefault((message.receiver, _ADDRESS.unpack_from(message.memory)[1]), []).append(
                    Inbound(
                        message.sender,
                        message.receiver,
                        memoryview(message.memory)[_ADDRESS.size :],
                        message.owned,
                    )
                )
            else:
                self._inbox.setdefault((message.receiver, 0), []).append(message)


def _sender(message: Message) -> int:
    return message.sender
