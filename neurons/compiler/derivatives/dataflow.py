"""A `forward` as a dataflow: every value named once, branches as selections, message loops as recurrences.

This is the form in which derivatives are taken. A local that is assigned again becomes another value; an ``if``
becomes a selection between what its branches make of each local; a message loop becomes, for each local that it
carries from message to message, the value at the start of a message and that at its end; after a ``break`` nothing
changes any more. Other loops stay as they are, with their derivatives beside their values.

What cannot be computed again from the neuron's own numbers is left by `forward` for `backward`, per example: the
random draws, what the message loops end with, what other loops end with and its derivatives. `Dataflow.taped` is the
method with the assignments that do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...errors import NeuronError, SourceLine
from ..nir.expressions import Expr, Field, Local
from ..nir.prune import prune
from ..nir.statements import Assign, Body, Stmt
from ..nir.trees import all_expressions, reads, subexpressions, writes

#: The fields of a message by which derivatives are taken.
DIFFERENTIABLE = (Field("input"), Field("weight"))


@dataclass(frozen=True)
class Definition:
    """One value: ``name = value``.

    Args:
        name: that no other value has.
        value: in terms of earlier values.
        partials: (point, slope) of what its derivatives are known by, whatever `value` is made of: of the activation's
            result, the slope that its author wrote; of what a loop ends with, those by what went into it. None where
            they are those of `value`.
        guard: the condition under which it counts; elsewhere its derivatives may be infinite, and nobody asks for
            them. None where it always does.
        where: the user's line.
    """

    name: str
    value: Expr
    partials: tuple[tuple[Expr, Expr], ...] | None = None
    guard: Expr | None = None
    where: SourceLine | None = None

    @property
    def parts(self) -> tuple[Expr, ...]:
        """All that it is made of, its derivatives included."""
        guard = () if self.guard is None else (self.guard,)
        return (self.value, *guard, *(part for partial in self.partials or () for part in partial))


@dataclass(frozen=True)
class Block:
    """Statements that are computed as they stand: a loop within a message loop, with the tangents of its values.

    The locals that they assign are assigned nowhere else.

    Args:
        body: the statements.
    """

    body: Body

    @property
    def parts(self) -> tuple[Expr, ...]:
        """All that they are made of."""
        return tuple(all_expressions(self.body))


@dataclass(frozen=True)
class Carried:
    """A local that a message loop carries.

    Args:
        entry: its value at the start of a message, by name.
        initial: its value before the first.
        next: its value at the end of a message.
        left: the name under which `forward` leaves its value after the last; None where nobody needs it.
    """

    entry: str
    initial: Expr
    next: Expr
    left: str | None


@dataclass(frozen=True)
class Recurrence:
    """A message loop.

    Args:
        carried: what it carries.
        steps: the values that it computes for each message.
        guard: the condition under which it runs; None where it always does.
        where: the user's line.
    """

    carried: tuple[Carried, ...]
    steps: tuple[Definition | Block, ...]
    guard: Expr | None
    where: SourceLine | None


@dataclass(frozen=True)
class Dataflow:
    """A `forward` without control flow.

    Args:
        items: its values and message loops, in order.
        output: what it feeds forward.
        active: names of the values that the messages decide.
        applications: names of the activation's results, those in message loops included.
        points: where the activation was applied outside of message loops, in the order of `applications`.
        taped: the method that it was made of, with assignments that leave ``self.taped__…`` for `backward`.
    """

    items: tuple[Definition | Recurrence, ...]
    output: Expr
    active: frozenset[str]
    applications: tuple[str, ...]
    points: tuple[Expr, ...]
    taped: Body


def depends(value: Expr, active: Iterable[str]) -> bool:
    """True where the messages decide the value."""
    return any(
        (isinstance(part, Local) and part.name in active) or part in DIFFERENTIABLE for part in subexpressions(value)
    )


def live(steps: tuple[Definition | Block, ...], roots: Iterable[Expr]) -> tuple[Definition | Block, ...]:
    """The steps that `roots` need, and that their derivatives need."""
    needed = locals_in(roots)
    kept: list[Definition | Block] = []
    for step in reversed(steps):
        if (step.name in needed) if isinstance(step, Definition) else (writes(step.body) & needed):
            kept.append(step)
            needed |= locals_in(step.parts)
    return tuple(reversed(kept))


def code(steps: Iterable[Definition | Block]) -> Body:
    """The steps as statements."""
    found: list[Stmt] = []
    for step in steps:
        found += step.body if isinstance(step, Block) else [Assign(step.name, step.value, where=step.where)]
    return tuple(found)


def needed(body: Body, roots: Iterable[Expr]) -> Body:
    """The statements of straight code, loops among them, that `roots` need."""
    names = locals_in(roots)
    kept: list[Stmt] = []
    for statement in reversed(body):
        if writes((statement,)) & names:
            pruned = prune((statement,), frozenset(names))
            kept += pruned
            names |= reads(pruned)
    return tuple(reversed(kept))


def locals_in(values: Iterable[Expr]) -> set[str]:
    """The locals that expressions read."""
    return {part.name for value in values for part in subexpressions(value) if isinstance(part, Local)}


def carried_on(carried: Sequence[Carried], steps: tuple[Definition | Block, ...]) -> tuple[Carried, ...]:
    """What is left for later, and what that needs of the message before."""
    kept = [item for item in carried if item.left is not None]
    while True:
        roots = [item.next for item in kept]
        read = locals_in([*roots, *(part for step in live(steps, roots) for part in step.parts)])
        more = [item for item in carried if item not in kept and item.entry in read]
        if not more:
            return tuple(item for item in carried if item in kept)
        kept += more


#: Why a draw within a message loop is refused.
DRAWN = "each message has a random draw of its own"


def refused(reason: str, statement: Stmt) -> NeuronError:
    """The error that a derivative cannot be taken, and the line that is to blame."""
    return NeuronError(f"its derivative cannot be taken: {reason}", statement.where)
