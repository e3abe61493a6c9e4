"""The contract of barriers: how the processes of a group meet.

A process arrives with what its peers called and some flags, and goes on with a verdict that is the same for all. All
must come to a barrier for the same reason: a peer that calls `sync()` while another calls `allreduce()`, or has
finished, is told so instead of exchanging nonsense or waiting for ever.
"""

import functools
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import BSPError, format_ranks
from ..placement import Members

TEXT_LIMIT = 120
"""Bytes of a call's text that all barriers can carry."""


class Call(NamedTuple):
    """What a peer called, as its barrier tells others.

    Attributes:
        code: equal for equal texts; compared instead of them.
        text: the operation with all that must agree between the peers, "allreduce(sum) of float32 (3, 4)".
    """

    code: int
    text: bytes

    @property
    def told(self) -> str:
        """The text for people."""
        return self.text.decode(errors="replace")


@functools.lru_cache(maxsize=4096)
def call(text: str) -> Call:
    """Return the call of a text."""
    data = text.encode()
    return Call(zlib.crc32(data) & 0x7FFFFFFF, data[:TEXT_LIMIT])


SYNC = call("sync()")
FINISH = call("the end of its program")

MESSAGES = 1
"""Flag: messages to other processes were sent in this superstep."""
STOP = 2
"""Flag: the job was asked to stop."""
MISMATCH = 4
"""Flag, of a verdict: the arrivals came for different reasons."""
GETS = 8
"""Flag: values of variables are asked for."""
GO_ON = 16
"""Flag: a peer does not want to halt."""


class Arrival(NamedTuple):
    """What a process brings to a barrier: what its peers called, and its flags."""

    call: Call
    flags: int = 0


class Verdict(NamedTuple):
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

    @property
    def gets(self) -> bool:
        """Whether any peer asks for values of variables."""
        return bool(self.flags & GETS)

    @property
    def go_on(self) -> bool:
        """Whether any peer does not want to halt."""
        return bool(self.flags & GO_ON)


class Barrier(ABC):
    """The meeting of the processes that hold the peers of one group; one object per process and group.

    Promises: no process is ever more than one generation ahead of another; every wait ends when all have arrived, or
    with an error when the job has ended; all processes get the same verdict. Used by one thread at a time.
    """

    @abstractmethod
    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes of the group.

        Raises:
            JobAborted, PeerLost, CoordinatorLost: the job has ended.
            BarrierTimeout: not all came within the job's timeout; names who is missing.
            BSPError: the processes came for different reasons; names who came for what.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what the barrier holds. All processes have left its last generation."""


@dataclass(frozen=True)
class Meeting:
    """What a barrier is to be made for: one process's side of the meeting of a group's processes.

    Attributes:
        group: the group's name, "world" or what `Group.split` made of it.
        members: the group.
        process: this process.
        given: the transport's barrier; who does not want it calls it or leaves it alone.
        check: to be run in each slice of a wait, some 50 ms: raises what ended the job.
        timeout: seconds to wait for the others before BarrierTimeout, or None for as long as they live.
    """

    group: str
    members: Members
    process: int
    given: Barrier
    check: Callable[[], None]
    timeout: float | None


BarrierMaker = Callable[[Meeting], Barrier]


def mismatch(calls: Mapping[str, Iterable[int]]) -> BSPError:
    """Return the error that says which peers came to one barrier for what."""
    ranks = {text: list(those) for text, those in calls.items()}
    told = "; ".join(f"{format_ranks(those)} came for {text}" for text, those in ranks.items())
    return BSPError(
        f"the peers came to one barrier for different reasons: {told}. All must make the same calls in order",
        [rank for those in ranks.values() for rank in those],
    )
