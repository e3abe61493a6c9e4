"""The barrier of one process in a coordination service: a generation is a node, and there is no leave phase.

Below a generation lies its `gate`. Each participant watches the gate, creates its own node, whose name tells what it
came for, and lists the nodes, in one round trip. Who sees those of all knows the verdict, and opens the gate: it sets
it where all told the same, and removes it otherwise, having written into `go` what they told together. So the event
tells the others whether the verdict is what they told themselves, or is to be read. Opening also creates the next
generation. Whoever has come to a generation has left the one before, which is cleared by those that saw all its nodes.

How it is driven, with a client whose requests are carried out in order:

    Announce   exists(gate, watch), create(own node, named by what it tells) unless it is there, list(parent): all sent
               at once. If the gate was set: `opened(generation)`, if it is not there: `parted(generation)`, else
               `counted(generation, what the nodes' names tell)`.
    (watch)    The gate was set: `opened(generation)`; removed: `parted(generation)`. An adapter that has read `go`
               already calls `verdict` instead.
    Read       get(go): `verdict(generation, told)`.
    Gather     get(every participant's node), at once: `gathered(generation, what they tell)`. Only for different calls.
    Open       set(gate), or create(go, told) and delete(gate); with it create(parent of generation + 1, its gate), all
               or none; that it has been done already is as good: `created(generation)`.
    Clear      delete all of a generation; nothing waits for it, and it may fail.

A connection that broke while an answer was due is `reconnected()` when there is a new one: the requests are made again.
Answers of a generation that is over change nothing. Cost: l = 2 round trips, whatever the number of participants; where
they tell different things, one more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import BSPError
from .agreement import Mismatch, Proceed, Told, conclude, heard_of, tell, union


class Mark(NamedTuple):
    """What the name of a participant's node tells.

    Attributes:
        place: the participant's index.
        code: of its call; equal for equal calls.
        flags: that it brings.
    """

    place: int
    code: int
    flags: int


@dataclass(frozen=True, slots=True)
class Announce:
    """Watch the gate, create our own node, and list all."""

    generation: int
    mark: Mark
    text: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Read what `go` tells."""

    generation: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Read what every participant's node tells."""

    generation: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """Open the gate, and create the next generation. `told` goes into `go`; None where all have told the same."""

    generation: int
    told: Told | None


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove a generation that everybody has left: its nodes, and its gate if that was `set`, else its `go`."""

    generation: int
    marks: tuple[Mark, ...]
    set: bool


Action = Announce | Read | Gather | Open | Clear | Proceed | Mismatch


@dataclass(slots=True)
class Rendezvous:
    """Participant `index`'s side of a group's barrier.

    Args:
        participants: how many meet.
        index: this one among them.

    Attributes:
        generation: the barrier that this participant has come to last, from 0; -1 before the first.
    """

    participants: int
    index: int
    generation: int = -1
    _came: Announce | None = None  # what we have told of this generation; None between two
    _seen: tuple[Mark, ...] = ()  # the nodes of all, if we saw them
    _all: Told | None = None  # what all have told, if it was us who found that out
    _left: Clear | None = None  # the generation before, if it is ours to clear
    _ended: bool = False

    def arrive(self, code: int, text: bytes, flags: int) -> list[Action]:
        """The local process comes to the next barrier.

        Args:
            code: of its call; equal for equal texts.
            text: of its call, for the others' errors.
            flags: to be united with theirs.

        Raises:
            BSPError: it waits at one already.
        """
        if self._ended:
            return []
        if self._came is not None:
            raise BSPError(f"process {self.index} came to barrier {self.generation + 1} before it left the one before")
        self.generation += 1
        self._seen, self._all = (), None
        self._came = Announce(self.generation, Mark(self.index, code, flags), text)
        return [self._came]

    def counted(self, generation: int, marks: Sequence[Mark]) -> list[Action]:
        """These nodes were there, and the gate had not been opened just before."""
        if not self._waits(generation) or len(marks) != self.participants or self._came is None:
            return []
        told = union(tell(place, code, self._came.text, flags) for place, code, flags in marks)
        if heard_of(told) != (1 << self.participants) - 1:
            return []
        self._seen = tuple(sorted(marks))
        if len(told[1]) > 1:  # of which we know our own text only
            return [Gather(generation, self._seen)]
        return self._open(told)

    def gathered(self, generation: int, tolds: Sequence[Told]) -> list[Action]:
        """This is what all participants tell."""
        return self._open(union(tolds)) if self._waits(generation) else []

    def created(self, generation: int) -> list[Action]:
        """The gate is open, by us or by another who saw the same."""
        return self._conclude(self._all) if self._waits(generation) and self._all is not None else []

    def opened(self, generation: int) -> list[Action]:
        """The gate was set: all told what we told."""
        if not self._waits(generation) or self._came is None:
            return []
        (place, code, flags), text = self._came.mark, self._came.text
        return self._conclude(tell(place, code, text, flags))

    def parted(self, generation: int) -> list[Action]:
        """The gate is gone: not all told the same."""
        return [Read(generation)] if self._waits(generation) else []

    def verdict(self, generation: int, told: Told) -> list[Action]:
        """This is what `go` tells."""
        return self._conclude(told) if self._waits(generation) else []

    def reconnected(self) -> list[Action]:
        """Answers and watches are gone with a connection, and there is a new one."""
        return [self._came] if self._came is not None and not self._ended else []

    def end(self) -> None:
        """The attempt is over: nothing more is done."""
        self._ended = True

    def _waits(self, generation: int) -> bool:
        return self._came is not None and generation == self.generation and not self._ended

    def _open(self, told: Told) -> list[Action]:
        self._all = told
        return [Open(self.generation, None if self._agree() else told)]

    def _agree(self) -> bool:
        return len({mark[1:] for mark in self._seen}) == 1

    def _conclude(self, told: Told) -> list[Action]:
        actions: list[Action] = [conclude(self.generation, told)]
        actions += [] if self._left is None else [self._left]
        self._left = Clear(self.generation, self._seen, self._agree()) if self._seen else None
        self._came = None
        return actions
