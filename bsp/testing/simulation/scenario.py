"""What is simulated: how many processes do what, with which machines, and what may go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...machine import Dissemination, Participant, Rendezvous
from .layout import Layout

SYNC = (1, b"sync()")


@dataclass(frozen=True, slots=True)
class Faults:
    """What may go wrong: each happens so many times at most.

    Attributes:
        crashes: processes that are killed, at any time.
        victim: who may be; anybody by default.
        restarts: changes of the attempt, at any time after a crash.
        sweep: whether the nodes of an old attempt may be removed, at any time after the change.
        breaks: connections to the service that break, at any time.
    """

    crashes: int = 0
    victim: int | None = None
    restarts: int = 0
    sweep: bool = True
    breaks: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A job: processes that have joined and met each other pass some barriers, and leave.

    Attributes:
        processes: how many; one peer each.
        generations: how many barriers.
        direct: whether the barrier is that by signals; else it is in the service.
        faults: what may go wrong.
        calls: what each process calls at the barriers; by default all the same.
        flags: what each process brings to the barriers besides the number of the attempt; by default nothing.
        leave: whether the processes leave in the end; else they are done with the last barrier.
        settle: whether a process waits, before it leaves, until all that it has sent to others has come there.
        participant, rendezvous, dissemination: the machines.
        layout: the paths of an attempt.
    """

    processes: int = 3
    generations: int = 2
    direct: bool = False
    faults: Faults = field(default_factory=Faults)
    calls: Callable[[int], tuple[int, bytes]] = lambda rank: SYNC
    flags: Callable[[int], int] = lambda rank: 0
    leave: bool = True
    settle: bool = True
    participant: type[Participant] = Participant
    rendezvous: type[Rendezvous] = Rendezvous
    dissemination: type[Dissemination] = Dissemination
    layout: Callable[[int], Layout] = Layout

    @property
    def fenced(self) -> bool:
        """Whether attempts have no paths in common."""
        return self.layout(1) != self.layout(2)

    @property
    def mixed(self) -> bool:
        """Whether the processes call different things."""
        return len({self.calls(rank) for rank in range(self.processes)}) > 1
