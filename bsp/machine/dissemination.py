"""The direct barrier of one process among n: no root, no server, ceil(log2 n) rounds of signals.

In round k process i signals process i + 2^k and waits for the signal of i - 2^k (mod n). A signal tells all that its
sender has heard of: after round k these are the 2^(k+1) processes up to i, after the last round all. So all know the
same in the end and come to the same verdict. Hensgen, Finkel, Manber: "Two Algorithms for Barrier Synchronization"
(1988). Cost: l = ceil(log2 n) signals one after the other.

Driven by the transport: `arrive` when the local peers have come, `signal` for each that came in, also while nobody
waits; every `Signal` returned is sent, in order. Channels lose and repeat nothing while both ends live. Before a
process leaves the job, all that it sent must have been acknowledged: were it killed between its leaving and
the arrival of its last signal, the receiver would wait for ever and nobody would call it lost.
"""

from dataclasses import dataclass

from ..errors import BSPError
from .agreement import Mismatch, Proceed, Told, conclude, heard_of, members, parse, tell, union

PRESENCE = -1
"""The round of a signal that only says that its sender has arrived."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Send this to a process: the arguments of its `signal`, our own index being the source.

    Attributes:
        to: the receiver's index in the group.
        generation: which barrier.
        round: which round of it, or `PRESENCE`.
        told: plain data.
    """

    to: int
    generation: int
    round: int
    told: Told


@dataclass(frozen=True, slots=True)
class Violation:
    """A process broke the protocol; the barrier cannot go on.

    Attributes:
        source: the process.
        reason: what it did, for people.
    """

    source: int
    reason: str


@dataclass(slots=True)
class Dissemination:
    """Process `index`'s side of a group's barrier.

    Args:
        processes: how many processes meet.
        index: this process among them.

    Attributes:
        generation: the barrier that this process has come to last, from 0; -1 before the first.
    """

    processes: int
    index: int
    generation: int = -1
    _told: Told | None = None  # what we know of this generation; None between two
    _round: int = 0
    _early: tuple[tuple[int, int, Told], ...] = ()  # signals that are not used up: generation, round, told
    _present: tuple[int, int] = (-1, 0)  # the newest generation of which somebody said so, and who did
    _ended: bool = False

    @property
    def rounds(self) -> int:
        """How many rounds a barrier takes."""
        return (self.processes - 1).bit_length()

    def arrive(self, code: int, text: bytes, flags: int) -> list[Signal | Proceed | Mismatch]:
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
        self._round = 0
        self._told = tell(self.index, code, text, flags)
        return self._begin_round() + self._advance()

    def signal(
        self, source: int, generation: int, round: int, told: object
    ) -> list[Signal | Proceed | Mismatch | Violation]:
        """A signal has come; one of the next generation is kept until we come to that."""
        if self._ended:
            return []
        if round == PRESENCE:
            return self._note_presence(source, generation)
        heard = parse(told)
        reason = self._refusal(source, generation, round, heard)
        if heard is None or reason:
            self._ended = True
            return [Violation(source, f"signal of generation {generation}, round {round}, {reason}")]
        self._early = tuple(sorted((*self._early, (generation, round, heard))))
        return [*self._advance()]

    def overdue(self) -> list[Signal]:
        """The wait is long: tell everybody that this process is here, so that only those who are not are named.

        In mid-barrier a process hears nothing from the ones behind whoever is late. Call it once or twice per wait.
        """
        told = self._told
        if told is None or self._ended:
            return []
        others = (other for other in range(self.processes) if other != self.index)
        return [Signal(other, self.generation, PRESENCE, told) for other in others]

    def missing(self) -> tuple[int, ...]:
        """Return who has not arrived as far as is known; exact when the others have been `overdue` as well."""
        if self._told is None:
            return ()
        generation, present = self._present
        present = present if generation == self.generation else 0
        for theirs, _, told in self._early:
            # Whoever has come to the next barrier has left this one: so all have come.
            present |= heard_of(told) if theirs == self.generation else (1 << self.processes) - 1
        return members((1 << self.processes) - 1 & ~(present | heard_of(self._told)))

    def end(self) -> None:
        """The attempt is over: nothing more is done."""
        self._ended = True

    def _begin_round(self) -> list[Signal | Proceed | Mismatch]:
        if self._told is None:
            return []
        if self._round < self.rounds:
            to = (self.index + (1 << self._round)) % self.processes
            return [Signal(to, self.generation, self._round, self._told)]
        verdict = conclude(self.generation, self._told)
        self._told = None
        return [verdict]

    def _advance(self) -> list[Signal | Proceed | Mismatch]:
        """Use up the signals that came for the rounds that we have come to."""
        actions: list[Signal | Proceed | Mismatch] = []
        while self._told is not None and self._early and self._early[0][:2] == (self.generation, self._round):
            self._told = union((self._told, self._early[0][2]))
            self._early = self._early[1:]
            self._round += 1
            actions += self._begin_round()
        return actions

    def _note_presence(self, source: int, generation: int) -> list[Signal | Proceed | Mismatch | Violation]:
        # It may be overtaken by signals of others, and so be old; it is never from the future.
        if generation > self.generation + 1 or not 0 <= source < self.processes:
            self._ended = True
            return [Violation(source, f"said to be at generation {generation}, here it is {self.generation}")]
        newest, present = self._present
        if generation > newest:
            self._present = generation, 1 << source
        elif generation == newest:
            self._present = newest, present | 1 << source
        return []

    def _refusal(self, source: int, generation: int, round: int, told: Told | None) -> str:
        """Say why a signal cannot be; empty if it can."""
        if told is None:
            return "cannot be understood"
        first = self.generation if self._told is not None else self.generation + 1
        if generation < first:
            return f"is old: here it is generation {first}"
        if generation > self.generation + 1:
            return f"is from the future: here it is generation {self.generation}"
        if not 0 <= round < self.rounds or source != (self.index - (1 << round)) % self.processes:
            return "is not for this process"
        used = generation == self.generation and round < self._round
        if used or any((generation, round) == (theirs, number) for theirs, number, _ in self._early):
            return "came twice"
        count = min(1 << round, self.processes)
        expected = sum(1 << (source - back) % self.processes for back in range(count))
        if heard_of(told) != expected:
            return f"tells of processes {members(heard_of(told))}, not of {members(expected)}"
        return ""
