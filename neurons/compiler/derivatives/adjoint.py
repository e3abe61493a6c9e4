"""Reverse differentiation of a dataflow: from ∂cost/∂value of a later value to that of earlier ones.

The adjoint of a value is ∂cost/∂value. Straight code is gone through backwards: a definition hands its adjoint, times
its partial derivatives, to what it is made of. A message loop is gone through message by message: the adjoints of what
it carries are carried from a message to the one before, each message gets its ∂cost/∂input and ∂cost/∂weight, and what
is the same for all messages sums up what it gets of each. Where a step is no sum, its derivatives need the values that
were carried to that message: `Sweep.recomputed` says which.

See Griewank, Walther: Evaluating Derivatives, SIAM 2008, chapters 3 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...errors import SourceLine
from ..nir.algebra import add
from ..nir.expressions import ZERO, Expr, Local
from ..nir.statements import Assign, Body, Stmt
from ..nir.trees import all_expressions, subexpressions
from .dataflow import (
    DIFFERENTIABLE,
    Carried,
    Dataflow,
    Definition,
    Recurrence,
    code,
    live,
    locals_in,
    needed,
)
from .derivative import choose, derivative, times

#: The adjoint of the value that the deltas of a layer belong to: ∂cost/∂cut.
DELTA = "delta__"


@dataclass(frozen=True)
class Adjoint:
    """A local that a sweep carries from a message to the one before.

    Args:
        name: the local.
        initial: its value at the last message.
        next: its value at the message before, in terms of its own and of the sweep's steps.
    """

    name: str
    initial: Expr
    next: Expr


@dataclass(frozen=True)
class Sweep:
    """A message loop gone through backwards.

    Args:
        recomputed: what of that which the loop carries must be known for each message.
        recomputing: what is computed for each message on the way forward, for `recomputed`.
        adjoints: what is carried from a message to the one before.
        steps: what is computed for each message, its part of the loop's own steps first.
        input_gradient, weight_gradient: ∂cost/∂input and ∂cost/∂weight of the message at hand.
        sums: local → what it sums up over the messages, from 0.
        where: the user's line.
    """

    recomputed: tuple[Carried, ...]
    recomputing: Body
    adjoints: tuple[Adjoint, ...]
    steps: Body
    input_gradient: Expr
    weight_gradient: Expr
    sums: tuple[tuple[str, Expr], ...]
    where: SourceLine | None


@dataclass(frozen=True)
class Reverse:
    """What leads from the adjoints of some values to those of the messages.

    Args:
        pieces: straight code and sweeps, in the order in which they are done.
        adjoints: of the values asked for: expressions in terms of what `pieces` assign.
    """

    pieces: tuple[Assign | Sweep, ...]
    adjoints: Mapping[str, Expr]

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Sweep))

    @property
    def reads(self) -> set[str]:
        """The locals that are read, those that `pieces` assign included."""
        found = locals_in(self.adjoints.values())
        for piece in self.pieces:
            found |= sweep_reads(piece) if isinstance(piece, Sweep) else locals_in([piece.value])
        return found


def reverse(flow: Dataflow, seeds: Mapping[str, Expr], wanted: Iterable[str] = ()) -> Reverse:
    """Differentiate a dataflow.

    Args:
        flow: the dataflow.
        seeds: value → its adjoint.
        wanted: values whose adjoints are asked for; what they are made of gets nothing through them.
    """
    tape = _Tape(flow.active)
    for name, adjoint in seeds.items():
        tape.give(name, adjoint)
    stops = set(wanted)
    adjoints: dict[str, Expr] = dict.fromkeys(stops, ZERO)
    for item in reversed(flow.items):
        if isinstance(item, Recurrence):
            for carried in item.carried:
                if carried.left in stops:
                    adjoints[carried.left] = tape.take(carried.left)
            tape.sweep(item)
        elif item.name in stops:
            adjoints[item.name] = tape.take(item.name)
        else:
            tape.define(item)
    definitions = tuple(item for item in flow.items if isinstance(item, Definition))
    return _pruned(definitions, tape.pieces, adjoints)


class _Tape:
    """Adjoints on their way back. What a value gets from several places is summed."""

    def __init__(self, active: Iterable[str]) -> None:
        self.active = frozenset(active)
        self.given: dict[str, Expr] = {}
        self.pieces: list[Assign | Sweep] = []
        self.names = 0

    def fresh(self, name: str) -> str:
        self.names += 1
        return f"d_{name.removeprefix('self.')}__{self.names}"

    def give(self, name: str, adjoint: Expr) -> None:
        self.given[name] = add(self.given.get(name, ZERO), adjoint)

    def take(self, name: str) -> Expr:
        return self.given.pop(name, ZERO)

    def named(self, name: str, adjoint: Expr) -> Expr:
        """The adjoint as something that may be written several times."""
        if not adjoint.children:
            return adjoint
        local = self.fresh(name)
        self.pieces.append(Assign(local, adjoint))
        return Local(local)

    def define(self, definition: Definition) -> None:
        """Hand a definition's adjoint to what it is made of."""
        adjoint = self.named(definition.name, self.take(definition.name))
        if adjoint != ZERO:
            self.hand(adjoint, definition)

    def hand(self, adjoint: Expr, definition: Definition) -> None:
        if definition.partials is None:
            self.through(adjoint, definition.value, definition.guard)
        for point, slope in definition.partials or ():
            self.through(times(adjoint, slope), point, definition.guard)

    def through(self, adjoint: Expr, value: Expr, guard: Expr | None = None) -> None:
        """Hand the adjoint of an expression to the values in it, in so far as it counts."""
        parts = dict.fromkeys(subexpressions(value))
        for part in parts:
            if isinstance(part, Local) and part.name in self.active:
                self.give(part.name, _where(guard, times(adjoint, derivative(value, part))))
            elif part in DIFFERENTIABLE:
                self.give(str(part), _where(guard, times(adjoint, derivative(value, part))))

    def sweep(self, loop: Recurrence) -> None:
        """Go through a message loop backwards."""
        outer = {item.entry: self.take(item.left) if item.left else ZERO for item in loop.carried}
        reached = _reached(loop, {entry for entry, adjoint in outer.items() if adjoint != ZERO})
        if not reached:
            return
        inner = _Tape(self.active)
        inner.names = self.names + 1
        own = {item.entry: inner.fresh(item.entry) for item in loop.carried if item.entry in reached}
        for item in loop.carried:
            if item.entry in own:
                inner.through(Local(own[item.entry]), item.next)
        for step in reversed(loop.steps):
            if isinstance(step, Definition):
                inner.define(step)
        gradients = [inner.take(str(field)) for field in DIFFERENTIABLE]
        adjoints = [Adjoint(own[entry], outer[entry], inner.take(entry)) for entry in own]
        for item in loop.carried:
            inner.take(item.entry)
        sums = []
        for name, part in inner.given.items():
            if part != ZERO:
                total = inner.fresh(name)
                sums.append((total, part))
                self.give(name, Local(total))
        self.names = inner.names
        if loop.guard is not None:
            gradients = [choose(loop.guard, gradient, ZERO) for gradient in gradients]
            sums = [(name, choose(loop.guard, part, ZERO)) for name, part in sums]
        steps = tuple(piece for piece in inner.pieces if isinstance(piece, Assign))
        # An adjoint that no message changes, that of a sum, is nothing that has to be carried.
        self.pieces += [Assign(item.name, item.initial) for item in adjoints if item.next == Local(item.name)]
        carried = tuple(item for item in adjoints if item.next != Local(item.name))
        self.pieces.append(_sweep(loop, carried, steps, gradients, tuple(sums)))
        for item in loop.carried:
            if item.entry in own:
                # What is left after the first message belongs to the value before the loop.
                rest: Expr = Local(own[item.entry])
                self.through(rest if loop.guard is None else choose(loop.guard, rest, ZERO), item.initial)


def _where(guard: Expr | None, adjoint: Expr) -> Expr:
    # Chosen, not multiplied: 0 · ∞ is no number. What is no product cannot be infinite.
    return choose(guard, adjoint, ZERO) if guard is not None and adjoint.children else adjoint


def _reached(loop: Recurrence, started: set[str]) -> set[str]:
    """What of the carried has an adjoint: what the loop's results are made of, in one message or several."""
    entries = {item.entry: item.next for item in loop.carried}
    reached = set(started)
    while True:
        roots = [entries[entry] for entry in reached]
        values = [*roots, *(part for step in live(loop.steps, roots) for part in step.parts)]
        more = (locals_in(values) & set(entries)) - reached
        if not more:
            return reached
        reached |= more


def _sweep(
    loop: Recurrence,
    adjoints: tuple[Adjoint, ...],
    reversed_steps: Body,
    gradients: list[Expr],
    sums: tuple[tuple[str, Expr], ...],
) -> Sweep:
    roots = [*gradients, *(item.next for item in adjoints), *(part for _, part in sums)]
    forward = code(loop.steps)
    steps = needed(forward + reversed_steps, roots)
    read = locals_in([*roots, *all_expressions(steps)])
    recomputed = _carried_for(loop, {item.entry for item in loop.carried if item.entry in read})
    recomputing = needed(forward, [item.next for item in recomputed])
    return Sweep(recomputed, recomputing, adjoints, steps, gradients[0], gradients[1], sums, loop.where)


def _carried_for(loop: Recurrence, entries: set[str]) -> tuple[Carried, ...]:
    """The carried whose values at each message must be known, and those that they are computed from."""
    while True:
        kept = [item for item in loop.carried if item.entry in entries]
        roots = [item.next for item in kept]
        read = locals_in([*roots, *all_expressions(needed(code(loop.steps), roots))])
        more = {item.entry for item in loop.carried if item.entry in read} - entries
        if not more:
            return tuple(kept)
        entries = entries | more


def _pruned(definitions: tuple[Definition, ...], pieces: list[Assign | Sweep], adjoints: Mapping[str, Expr]) -> Reverse:
    """The pieces that matter, behind the definitions that they read."""
    wanted = locals_in(adjoints.values())
    kept: list[Assign | Sweep] = []
    for piece in reversed(pieces):
        if isinstance(piece, Assign):
            if piece.name in wanted:
                kept.append(piece)
                wanted |= locals_in([piece.value])
            continue
        kept.append(piece)
        wanted |= sweep_reads(piece)
    first: list[Assign] = []
    for item in reversed(definitions):
        if item.name in wanted:
            first.append(Assign(item.name, item.value, where=item.where))
            wanted |= locals_in([item.value])
    return Reverse((*reversed(first), *reversed(kept)), adjoints)


def sweep_reads(sweep: Sweep) -> set[str]:
    """The locals that a sweep reads, its own included."""
    return locals_in([
        *(value for item in sweep.recomputed for value in (item.initial, item.next)),
        *all_expressions(sweep.recomputing),
        *(value for item in sweep.adjoints for value in (item.initial, item.next)),
        *all_expressions(sweep.steps),
        sweep.input_gradient, sweep.weight_gradient,
        *(part for _, part in sweep.sums),
    ])  # fmt: skip


def of_one_message(found: Reverse) -> tuple[Body, Expr]:
    """What leads to ∂cost/∂input where a neuron has one message only: straight code, and the value behind it."""
    body: list[Stmt] = []
    total: Expr = ZERO
    for number, piece in enumerate(found.pieces):
        if isinstance(piece, Assign):
            body.append(piece)
            continue
        body += [Assign(item.entry, item.initial) for item in piece.recomputed]
        body += [Assign(item.name, item.initial) for item in piece.adjoints]
        body += [*piece.steps, Assign(f"gradient__{number}", piece.input_gradient)]
        body += [Assign(name, part) for name, part in piece.sums]
        body += [Assign(f"{item.name}_next", item.next) for item in piece.adjoints]
        body += [Assign(item.name, Local(f"{item.name}_next")) for item in piece.adjoints]
        total = add(total, Local(f"gradient__{number}"))
    return tuple(body), total
