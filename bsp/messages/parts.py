"""Parts of a group: queues and variables, which all members have made together and which send messages of their own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .mailbox import Mailbox, Message


class Line:
    """One member's end of a part's messages: sent and received like those of programs, and apart from them.

    Args:
        mailbox: carries them.
        index: the member.
        number: the part, the same on all members.
        members: how many members the group has.
    """

    def __init__(self, mailbox: Mailbox, index: int, number: int, members: int) -> None:
        self.index = index
        self.members = members
        self._mailbox = mailbox
        self._number = number

    def check(self, to: int) -> None:
        """Raise BSPError for what is no member."""
        self._mailbox.check(to)

    def send(self, to: int, value: object, *, move: bool = False) -> None:
        """Send a value; see `Group.send`."""
        self._mailbox.send(self.index, to, value, move, self._number)

    def received(self) -> Sequence[Message]:
        """Return what came in the last superstep, ordered by (sender, sequence)."""
        return self._mailbox.received(self.index, self._number)


class Part(ABC):
    """What a group does for a part at each end of a superstep."""

    @abstractmethod
    def flush(self) -> int:
        """Send what is buffered; return flags for the barrier. Called before it."""

    @abstractmethod
    def turn(self) -> None:
        """The superstep has ended: what came in it counts, what came before is gone."""
