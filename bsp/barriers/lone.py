"""The barrier of a group that lives in one process."""

from collections.abc import Callable

from .base import Arrival, Barrier, Verdict


class LoneBarrier(Barrier):
    """Nobody else is to be waited for.

    Args:
        check: raises what ended the job.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def wait(self, arrival: Arrival) -> Verdict:
        """Return at once."""
        self._check()
        return Verdict(arrival.flags)

    def close(self) -> None:
        """Nothing is held."""
