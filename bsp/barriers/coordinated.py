"""A barrier that a coordination service takes part in: the processes meet there first."""

from collections.abc import Callable

from .base import Arrival, Barrier, Verdict


class CoordinatedBarrier(Barrier):
    """Two barriers in a row.

    Args:
        first: waits for all processes at the service.
        then: the barrier that carries calls and flags.
    """

    def __init__(self, first: Callable[[], None], then: Barrier) -> None:
        self._first = first
        self._then = then

    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes; see `Barrier.wait`."""
        self._first()
        return self._then.wait(arrival)

    def close(self) -> None:
        """Close the second one; the service's goes with the job."""
        self._then.close()
