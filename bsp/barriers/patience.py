"""How long one wait at a barrier lasts: slow peers are reported, and a job may set a limit."""

import logging
import math
import time
from collections.abc import Callable, Sequence

from ..errors import BarrierTimeout, format_ranks

logger = logging.getLogger("horn.bsp")

SLOW_AFTER = 10.0
"""Seconds after which slow peers are reported; earlier where the limit is near: at half of it."""


class Patience:
    """The patience of one waiter during one wait.

    Args:
        limit: seconds, or None without end.
        missing: tells which peers have not arrived.
    """

    def __init__(self, limit: float | None, missing: Callable[[], Sequence[int]]) -> None:
        self._limit = limit
        self._missing = missing
        self._start = time.monotonic()
        self._report_at = self._start + min(SLOW_AFTER, math.inf if limit is None else limit / 2)

    def check(self) -> None:
        """Raise BarrierTimeout when the limit is reached; log who is slow from time to time."""
        now = time.monotonic()
        over = self._limit is not None and now > self._start + self._limit
        if not over and now < self._report_at:
            return
        missing = self._missing()
        if missing and over:
            raise BarrierTimeout(
                f"{format_ranks(missing)} did not arrive at the barrier within {self._limit} s; "
                "if the program only needs longer, give the job a larger timeout",
                missing,
            )
        if missing and now >= self._report_at:
            self._report_at = now + (now - self._start)
            logger.warning("waiting at the barrier since %.1f s for %s", now - self._start, format_ranks(missing))
