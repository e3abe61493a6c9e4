"""What all barriers share: how an arrival says what it came for, and what the barrier answers.

All peers must come to a barrier for the same reason. A call code names it, so that a peer that calls `sync()` while
another calls `allreduce()`, or has finished, is told so instead of exchanging nonsense or waiting for ever.
"""

import zlib
from dataclasses import dataclass

SYNC, FINISH = 1, 2
_FIRST_SIGNATURE = 16

MESSAGES = 1
"""Flag: messages to other processes were sent in this superstep."""
STOP = 2
"""Flag: the job was asked to stop."""
MISMATCH = 4
"""Flag: the arrivals came for different reasons."""


def signature(text: str) -> int:
    """Return the call code of a collective; calls that must agree have equal texts."""
    return _FIRST_SIGNATURE + zlib.crc32(text.encode()) % (2**31 - _FIRST_SIGNATURE)


def describe_call(call: int) -> str:
    """Say in words what a call code stands for."""
    return {SYNC: "called sync()", FINISH: "finished the program"}.get(call, "called another collective")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a process brings to a barrier: what its peers called, and its flags."""

    call: int
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a barrier answers: the union of all flags, the same for every peer."""

    flags: int

    @property
    def messages(self) -> bool:
        """Whether any process sent messages to another one."""
        return bool(self.flags & MESSAGES)

    @property
    def stop(self) -> bool:
        """Whether the job was asked to stop."""
        return bool(self.flags & STOP)
