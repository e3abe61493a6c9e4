"""A simulated worker process: the machines, and the adapter that turns their actions into requests and back."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

from ...machine import (
    Announce,
    Clear,
    Declare,
    Dissemination,
    End,
    Gather,
    Look,
    Mark,
    Mismatch,
    Open,
    Participant,
    Proceed,
    Read,
    Rendezvous,
    Resign,
    Sight,
    Signal,
    Violation,
)
from ...machine.agreement import parse, tell
from ...machine.participant import Cause
from .layout import ATTEMPT, Layout
from .service import DONE, EXISTS, NO_NODE, Answer, Fired, Operation, Path, Request

Action = object
Sent = Request | Signal


@dataclass(slots=True)
class Process:
    """A process that passes so many barriers and leaves.

    Attributes:
        participant: its life in the attempt.
        barrier: its side of the barrier.
        layout: the paths of its attempt.
        goal: how many barriers it passes.
        leaves: whether it leaves then.
        call: what it calls there, and the flags that it brings.
        verdicts: what it has been told at the barriers.
        crashed: whether it was killed.
        down_since: since when it has no connection to the service.
    """

    participant: Participant
    barrier: Rendezvous | Dissemination
    layout: Layout
    goal: int
    leaves: bool
    call: tuple[int, bytes, int]
    verdicts: tuple[Proceed | Mismatch, ...] = ()
    crashed: bool = False
    down_since: float | None = None
    _key: Hashable = None

    def fork(self) -> Process:
        """Return an independent copy."""
        twin = copy.copy(self)
        twin._key = None
        twin.participant = copy.copy(self.participant)
        twin.barrier = copy.copy(self.barrier)
        return twin

    def key(self) -> Hashable:
        """Return what tells two states apart. To be asked between two events."""
        if self._key is None:
            barrier = _RENDEZVOUS if isinstance(self.barrier, Rendezvous) else _DISSEMINATION
            own = self.verdicts, self.crashed, self.down_since
            self._key = hash((_PARTICIPANT(self.participant), barrier(self.barrier), own))
        return self._key

    @property
    def arrived(self) -> int:
        """How many barriers it has come to."""
        return self.barrier.generation + 1

    @property
    def done(self) -> bool:
        """Whether it has passed all barriers and left."""
        return len(self.verdicts) == self.goal and (self.participant.gone or not self.leaves)

    @property
    def over(self) -> bool:
        """Whether nothing concerns it any more."""
        return self.crashed or self.participant.ended is not None or self.participant.gone

    @property
    def ready(self) -> bool:
        """Whether it computes, that is can come to its next barrier or leave."""
        computes = self.arrived == len(self.verdicts) and not self.over
        return computes and not (self.done or self.participant.leaving)

    # Events

    def meet(self, now: float) -> list[Sent]:
        """It has joined, and so have all others."""
        self.participant.connected(now)
        self.participant.assembled()
        return self._carry_out(self.participant.joined(now))

    def advance(self) -> list[Sent]:
        """Come to the next barrier, or leave after the last one."""
        if len(self.verdicts) == self.goal:
            return self._carry_out(self.participant.leave())
        return self._carry_out(self.barrier.arrive(*self.call))

    def receive(self, answer: Answer | Fired) -> list[Sent]:
        """An answer of the service, or a watch's event."""
        if isinstance(answer, Fired):
            return self._carry_out(self._on_watch(answer.path, answer.event))
        return self._carry_out(self._on_answer(answer.action, answer.results))

    def signal(self, source: int, signal: Signal) -> list[Sent]:
        """A signal of another process."""
        assert isinstance(self.barrier, Dissemination)
        return self._carry_out(self.barrier.signal(source, signal.generation, signal.round, signal.told))

    def suspend(self, now: float) -> None:
        """The connection to the service breaks."""
        self.down_since = now
        self.participant.suspended(now)

    def resume(self, now: float) -> list[Sent]:
        """There is a connection again, in the same session."""
        self.down_since = None
        sent = self._carry_out(self.participant.connected(now))
        return sent + (self._carry_out(self.barrier.reconnected()) if isinstance(self.barrier, Rendezvous) else [])

    def expire(self) -> list[Sent]:
        """There is a connection again, and the session is over."""
        self.down_since = None
        return self._carry_out(self.participant.expired())

    def tick(self, now: float) -> list[Sent]:
        """Time has passed."""
        return self._carry_out(self.participant.tick(now))

    # The adapter

    def _on_watch(self, path: Path, event: str) -> Iterable[Action]:
        if isinstance(self.barrier, Rendezvous) and path == self.layout.gate(self.barrier.generation):
            heard = self.barrier.opened if event == "changed" else self.barrier.parted
            return heard(self.barrier.generation)
        return [] if path[0] == "sync" else self.participant.stirred()

    def _on_answer(self, action: Hashable, results: tuple[Hashable, ...]) -> Iterable[Action]:
        match action, results:
            case Look(neighbour), (bool(present), bool(left), _, abort, attempt):
                cause = abort if isinstance(abort, Cause) else None
                number = attempt if isinstance(attempt, int) else None
                return self.participant.saw(Sight(neighbour, present, left, cause, number))
            case Declare(), (str(outcome),) if outcome in (DONE, EXISTS):
                return self.participant.declared()
            case Resign(), _:
                self.participant.left()
                return []
        if isinstance(self.barrier, Rendezvous):
            return self._on_barrier_answer(self.barrier, action, results)
        return self.participant.vanished(str(action))

    def _on_barrier_answer(
        self, barrier: Rendezvous, action: Hashable, results: tuple[Hashable, ...]
    ) -> Iterable[Action]:
        match action, results:
            case Announce(generation), (None, _, tuple(names)):
                return barrier.counted(generation, [name for name in names if isinstance(name, Mark)])
            case Announce(generation), (gate, _, tuple()):
                return barrier.parted(generation) if gate == NO_NODE else barrier.opened(generation)
            case Read(generation), (tuple(told),) if known := parse(told):
                return barrier.verdict(generation, known)
            case Gather(generation, marks), texts if NO_NODE not in texts:
                pairs = [(mark, text) for mark, text in zip(marks, texts, strict=True) if isinstance(text, bytes)]
                tolds = [tell(place, code, text, flags) for (place, code, flags), text in pairs]
                return barrier.gathered(generation, tolds)
            case Open(generation), (str(outcome),) if outcome in (DONE, EXISTS):
                return barrier.created(generation)
        return self.participant.vanished(str(action))

    def _carry_out(self, actions: Iterable[Action]) -> list[Sent]:
        sent: list[Sent] = []
        for action in actions:
            match action:
                case Signal():
                    sent.append(action)
                case Proceed():
                    self.verdicts += (action,)
                case Mismatch():
                    self.verdicts += (action,)
                    self.barrier.end()
                    sent += self._carry_out(self.participant.abort("different reasons", ()))
                case Violation():
                    raise AssertionError(f"process {action.source} is accused: {action.reason}")
                case End():
                    self.barrier.end()
                    sent.append(Request(action, (Operation("close"),)))
                case Look() | Declare() | Resign() | Announce() | Read() | Gather() | Open() | Clear():
                    sent.append(Request(action, self._operations(action), awaited=not isinstance(action, Clear)))
        return sent

    def _operations(
        self, action: Look | Declare | Resign | Announce | Read | Gather | Open | Clear
    ) -> tuple[Operation, ...]:
        layout, rank = self.layout, self.participant.rank
        match action:
            case Look(neighbour):
                other = rank if neighbour is None else neighbour
                return (
                    Operation("exists", layout.member(other), watch=neighbour is not None),
                    # One that is present is present, whatever mark it leaves meanwhile.
                    Operation("exists", layout.left(other), joined=True),
                    Operation("exists", layout.abort, watch=True),
                    # An abort that comes in between is read, and fires the watch for nothing.
                    Operation("get", layout.abort, joined=True),
                    Operation("get", ATTEMPT, watch=True),
                )
            case Declare(cause):
                return (Operation("create", layout.abort, cause),)
            case Resign():
                leave = Operation("create", layout.left(rank)), Operation("delete", layout.member(rank))
                return (Operation("all", parts=leave),)
            case Announce(generation, mark, text):
                return (
                    Operation("get", layout.gate(generation), watch=True),
                    # Nobody opens the barrier in between: we are missing.
                    Operation("create", layout.arrival(generation, mark), text, joined=True),
                    Operation("list", layout.step(generation)),
                )
            case Read(generation):
                return (Operation("get", layout.go(generation)),)
            case Gather(generation, marks):
                # They change no more.
                return tuple(Operation("get", layout.arrival(generation, mark), joined=True) for mark in marks)
            case Open(generation, told):
                following = (
                    Operation("create", layout.step(generation + 1)),
                    Operation("create", layout.gate(generation + 1)),
                )
                opened = (
                    (Operation("set", layout.gate(generation), "set"),)
                    if told is None
                    else (
                        Operation("create", layout.go(generation), told),
                        Operation("delete", layout.gate(generation)),
                    )
                )
                return (Operation("all", parts=(*following, *opened)),)
            case Clear(generation, marks, was_set):
                below = [Operation("delete", layout.arrival(generation, mark)) for mark in marks]
                gate = layout.gate(generation) if was_set else layout.go(generation)
                own = Operation("delete", gate), Operation("delete", layout.step(generation))
                return (Operation("all", parts=(*below, *own)),)


_PARTICIPANT = attrgetter(*(field.name for field in fields(Participant)))
_RENDEZVOUS = attrgetter(*(field.name for field in fields(Rendezvous)))
_DISSEMINATION = attrgetter(*(field.name for field in fields(Dissemination)))
