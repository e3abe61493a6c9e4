"""The barrier of one process in a coordination service: a generation is a node, and there is no leave phase.

Each participant watches for the generation's `go`, creates its own node with what it tells, and counts the nodes, in
one round trip. Who counts all reads what they tell and creates `go` with all of it, together with the parent of the
next generation; `go` gives everybody the same verdict. Whoever has come to a generation has left the one before, which
its opener therefore clears.

How it is driven, with a client whose requests are carried out in order:

    Announce   exists(go, watch), create(own node, told) unless it is there, exists(parent): all sent at once.
               If there is a `go`: `opened(generation)`, else `counted(generation, number of children)`.
    (watch)    `go` was created: `opened(generation)`. An adapter that has read it already calls `verdict` instead.
    Read       get(go): `verdict(generation, told)`.
    Gather     get(every participant's node), at once: `gathered(generation, what they tell)`.
    Open       create(go, told) and create(parent of generation + 1), all or none; that it is there already is as good:
               `created(generation)`.
    Clear      delete all of a generation; nothing waits for it, and it may fail.

A connection that broke while an answer was due is `reconnected()` when there is a new one: the requests are made again.
Answers of a generation that is over change nothing. Cost: l = 2-3 round trips, whatever the number of participants.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import BSPError
from .agreement import Mismatch, Proceed, Told, conclude, tell, union


@dataclass(frozen=True, slots=True)
class Announce:
    """Watch for `go`, create our own node, and count."""

    generation: int
    told: Told


@dataclass(frozen=True, slots=True)
class Read:
    """Read what `go` tells."""

    generation: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Read what every participant tells."""

    generation: int


@dataclass(frozen=True, slots=True)
class Open:
    """Create `go`, and the parent of the next generation."""

    generation: int
    told: Told


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove a generation that everybody has left."""

    generation: int


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
    _told: Told | None = None  # what we have told of this generation; None between two
    _all: Told | None = None  # what all have told, if it was us who gathered it
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
        if self._told is not None:
            raise BSPError(f"process {self.index} came to barrier {self.generation + 1} before it left the one before")
        self.generation += 1
        self._all = None
        self._told = tell(self.index, code, text, flags)
        return [Announce(self.generation, self._told)]

    def counted(self, generation: int, count: int) -> list[Action]:
        """So many participants had their nodes, and there was no `go` just before."""
        return [Gather(generation)] if self._waits(generation) and count == self.participants else []

    def gathered(self, generation: int, tolds: Sequence[Told]) -> list[Action]:
        """This is what all participants tell."""
        if not self._waits(generation):
            return []
        self._all = union(tolds)
        return [Open(generation, self._all)]

    def created(self, generation: int) -> list[Action]:
        """There is a `go`, made by us or by another who gathered the same."""
        if not self._waits(generation) or self._all is None:
            return []
        actions: list[Action] = [self._conclude(self._all)]
        return [*actions, Clear(generation - 1)] if generation > 0 else actions

    def opened(self, generation: int) -> list[Action]:
        """A `go` was seen."""
        return [Read(generation)] if self._waits(generation) else []

    def verdict(self, generation: int, told: Told) -> list[Action]:
        """This is what `go` tells."""
        return [self._conclude(told)] if self._waits(generation) else []

    def reconnected(self) -> list[Action]:
        """Answers and watches are gone with a connection, and there is a new one."""
        return [Announce(self.generation, self._told)] if self._told is not None and not self._ended else []

    def end(self) -> None:
        """The attempt is over: nothing more is done."""
        self._ended = True

    def _waits(self, generation: int) -> bool:
        return self._told is not None and generation == self.generation and not self._ended

    def _conclude(self, told: Told) -> Proceed | Mismatch:
        self._told = None
        return conclude(self.generation, told)
