"""The faults of a network: what they are, and how they are asked for."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

UP, DOWN = "up", "down"
"""The directions: from the client to the server, and back."""
_DIRECTIONS = {UP: {UP}, DOWN: {DOWN}, "both": {UP, DOWN}}


@dataclass(frozen=True)
class Faults:
    """How a connection behaves; without arguments, as if there were no proxy.

    Attributes:
        cut: it is reset, new ones as soon as they are made.
        swallowed: the directions whose bytes, and whose end, never arrive.
        delay: seconds for which everything is held back; infinite: until the connection is healed.
        limit: bytes after which the connection ends, counted in each direction on its own; None for no limit.
    """

    cut: bool = False
    swallowed: frozenset[str] = frozenset()
    delay: float = 0.0
    limit: int | None = None


class Faulty(ABC):
    """What can be done to one connection, and to all of them alike. It has been done when the call returns."""

    def cut(self) -> None:
        """Reset: both ends see `ConnectionResetError`."""
        self._change(lambda faults: replace(faults, cut=True))

    def blackhole(self, direction: str = "both") -> None:
        """Swallow silently what comes from now on, ends and resets too. What was swallowed never arrives.

        Args:
            direction: "up" to the server, "down" to the client, or "both".
        """
        if direction not in _DIRECTIONS:
            raise ValueError(f'the direction must be "up" (to the server), "down" or "both", got {direction!r}')
        self._change(lambda faults: replace(faults, swallowed=faults.swallowed | _DIRECTIONS[direction]))

    def delay(self, seconds: float) -> None:
        """Hold everything back for so long, ends and resets too; with `math.inf` until `heal`. Nothing is lost."""
        if math.isnan(seconds) or seconds < 0:
            raise ValueError(f"the delay must be at least 0 s, got {seconds}")
        self._change(lambda faults: replace(faults, delay=seconds))

    def truncate(self, after: int) -> None:
        """End the connection in order when `after` bytes have passed in one direction; 0: when the next one comes.

        Counted are the bytes that pass from the first call on, or since the last `heal`.
        """
        if after < 0:
            raise ValueError(f"a connection can end after 0 bytes or more, got {after}")
        self._change(lambda faults: replace(faults, limit=after))

    def heal(self) -> None:
        """Behave as if there were no proxy. What was swallowed stays lost, and so do connections that were cut."""
        self._change(lambda _: Faults())

    @abstractmethod
    def _change(self, change: Callable[[Faults], Faults]) -> None:
        """Make the change and wait until it holds."""
