"""What was asked for, and comes with the end of the superstep."""

from typing import Any

from ..errors import BSPError


class Future:
    """A value that another member has been asked for."""

    def __init__(self) -> None:
        self._known = False
        self._value: Any = None

    @property
    def value(self) -> Any:
        """The value; this member's own.

        Raises:
            BSPError: the superstep in which it was asked for has not ended.
        """
        if not self._known:
            raise BSPError("the value of a get is readable after the next sync()")
        return self._value

    @property
    def known(self) -> bool:
        """Whether the value is readable."""
        return self._known

    def resolve(self, value: object) -> None:
        """Make a value readable. The engine calls this."""
        self._known, self._value = True, value
