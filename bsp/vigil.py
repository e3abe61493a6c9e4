"""What a waiting peer looks at every 50 ms: whether the job has ended, and whether anyone is left to wait for."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from .errors import BSPError, format_ranks

DOOMED_AFTER = 5.0
"""Seconds that a wait goes on for a peer that has finished its program, before it is given up.

The last news of a barrier that it took part in may still be under way to us: that takes less.
"""


class _Wait(threading.local):
    """What the calling thread waits for."""

    ranks: Sequence[int] = ()
    group: str = ""
    doomed: float | None = None


class Vigil:
    """The look of all peers of one process.

    Args:
        check: raises what ended the job.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._finished: Callable[[int], bool] = _nobody
        self._wait = _Wait()

    def ask(self, finished: Callable[[int], bool]) -> None:
        """Say who knows whether a peer has finished its program."""
        self._finished = finished

    @contextlib.contextmanager
    def waiting(self, group: str, ranks: Sequence[int]) -> Iterator[None]:
        """While entered, the calling thread waits for these peers in a group within the job's."""
        self._wait.ranks, self._wait.group, self._wait.doomed = ranks, group, None
        try:
            yield
        finally:
            self._wait.ranks = ()

    def check(self) -> None:
        """Raise what ended the job, or BSPError where the wait is for a peer that has finished its program."""
        self._check()
        wait = self._wait
        gone = [rank for rank in wait.ranks if self._finished(rank)]
        if not gone:
            return
        now = time.monotonic()
        wait.doomed = wait.doomed or now
        if now - wait.doomed > DOOMED_AFTER:
            raise BSPError(
                f"{format_ranks(gone)} came for the end of the program, while others wait in the region {wait.group}: "
                "all members of a region must make the same calls in order, or leave it together",
                gone,
            )


def _nobody(rank: int) -> bool:
    return False
