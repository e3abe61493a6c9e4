"""A distributed variable: one value of each member."""

from typing import Any

from ..encoding import decode, encode
from ..messages import Line
from .base import Remote
from .future import Future


class Variable(Remote):
    """One member's value, and its way to those of the others; see `Group.variable`.

    Args:
        line: carries puts and gets.
        value: the first value.

    Attributes:
        value: this member's value. Whatever can be sent may be assigned to it.
    """

    def __init__(self, line: Line, value: object) -> None:
        super().__init__(line)
        self.value: Any = value

    def put(self, to: int, value: object) -> None:
        """Assign to a member's variable at the end of the superstep.

        Where several put, the one of the highest sender stays, and of its puts the last.

        Args:
            to: the member, in [0, num_peers).
            value: as for `Group.send`; copied here and now.

        Raises:
            BSPError: no such member, or a value of another type.

        Cost: h·g, h = bytes of the value.
        """
        self._put(to, None, value, "")

    def get(self, owner: int) -> Future:
        """Ask for a member's value at the end of the superstep, before any put takes effect.

        Args:
            owner: the member, in [0, num_peers).

        Returns:
            The value to come: readable after the next `sync()`.

        Raises:
            BSPError: no such member.

        Cost: h·g, h = bytes of the value; `sync` costs 2·l where any member gets.
        """
        return self._get(owner, None)

    def _read(self, place: None) -> object:
        return self.value

    def _write(self, place: None, value: Any, how: str) -> None:
        self.value = decode(encode(value))
