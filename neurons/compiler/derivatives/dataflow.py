"""A `forward` as a dataflow: every value named once, branches as selections, message loops as recurrences.

This is the form in which derivatives are taken. A local that is assigned again becomes another value; an ``if``
becomes a selection between what its branches make of each local; a message loop becomes, for each local that it
carries from message to message, the value at the start of a message and that at its end.

What cannot be computed again from the neuron's own numbers is left by `forward` for `backward`, per example: the
random draws, and what the message loops end with. `Dataflow.taped` is the method with the assignments that do so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import SourceLine
from ..nir.expressions import Expr, Field, Local
from ..nir.statements import Body
from ..nir.trees import subexpressions

#: The fields of a message by which derivatives are taken.
DIFFERENTIABLE = (Field("input"), Field("weight"))


@dataclass(frozen=True)
class Definition:
    """One value: ``name = value``.

    Args:
        name: that no other value has.
        value: in terms of earlier values.
        applied: (point, slope) where this is the activation's result: its derivative by the point is the slope that
            the activation's author wrote, whatever `value` is made of.
        where: the user's line.
    """

    name: str
    value: Expr
    applied: tuple[Expr, Expr] | None = None
    where: SourceLine | None = None


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
    steps: tuple[Definition, ...]
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


def live(steps: tuple[Definition, ...], roots: Iterable[Expr]) -> tuple[Definition, ...]:
    """The steps that `roots` need."""
    needed = {part.name for root in roots for part in subexpressions(root) if isinstance(part, Local)}
    kept: list[Definition] = []
    for step in reversed(steps):
        if step.name in needed:
            kept.append(step)
            parts = (step.value, *(step.applied or ()))
            needed |= {part.name for value in parts for part in subexpressions(value) if isinstance(part, Local)}
    return tuple(reversed(kept))
