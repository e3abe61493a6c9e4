"""State of each member of a group that the others read and write: puts and gets.

As in BSPlib: a get sees the value at the end of the superstep before any put of that superstep takes effect; puts take
effect in the order of (sender, sequence), so that conflicting ones have one outcome.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..barriers import GETS
from ..messages import Line, Part
from .future import Future

_PUT, _GET = 0, 1


class Answer(NamedTuple):
    """The value that a member has asked for, and which of its requests that answers."""

    asker: int
    request: int
    value: object


class Remote(Part):
    """One member's state, and its way to that of the others.

    Args:
        line: carries puts and requests.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._asked: list[tuple[int, Future]] = []

    @abstractmethod
    def _read(self, place: Any) -> object:
        """Return what lies in a place."""

    @abstractmethod
    def _write(self, place: Any, value: Any, how: str) -> None:
        """Change what lies in a place."""

    def _put(self, to: int, place: object, value: object, how: str) -> None:
        self._line.send(to, [_PUT, place, value, how])

    def _get(self, owner: int, place: object) -> Future:
        self._line.send(owner, [_GET, place, len(self._asked)])
        future = Future()
        self._asked.append((owner, future))
        return future

    def flush(self) -> int:
        """Say whether a member was asked for something."""
        return GETS if self._asked else 0

    @property
    def owners(self) -> set[int]:
        """Whom this member has asked in this superstep."""
        return {owner for owner, _ in self._asked}

    def answers(self) -> Iterator[Answer]:
        """Return what others have asked for in the superstep that has ended."""
        for message in self._line.received():
            kind, place, *rest = message.view()
            if kind == _GET:
                yield Answer(message.sender, rest[0], self._read(place))

    def resolve(self, request: int, value: object) -> None:
        """Take the answer to a request."""
        self._asked[request][1].resolve(value)

    def turn(self) -> None:
        """Let what was put take effect."""
        self._asked = []
        for message in self._line.received():
            kind, place, *rest = message.view()
            if kind == _PUT:
                self._write(place, *rest)
