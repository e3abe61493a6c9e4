"""Arming the engine's fail points for a while."""

import contextlib
import os
from collections.abc import Iterator

from ..failpoints import VARIABLE, arm, parse


@contextlib.contextmanager
def fail_points(*points: str) -> Iterator[None]:
    """Arm fail points for the jobs, and the processes, that are started inside.

    Args:
        points: what is to happen where, for instance "barrier.announced@process=1,hit=3:kill" (the third time that
            worker process 1 has announced its arrival at a barrier, it is killed); see `horn.bsp.failpoints`.

    Raises:
        BSPError: a mistake in a point; nothing is armed then.
    """
    text = ";".join(points)
    parse(text)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = text
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        arm()
