"""A method cut at its message loops into phases, each of which runs for all neurons before the next one begins.

Within one kernel a neuron runs its whole method before the next neuron begins: a message loop in it is a scalar loop.
Cut out, the loop runs for many neurons at once (`tiles`). What is not cut stays as written (`writer`).

A loop under a condition runs for every neuron, on variables of its own, and its results are taken where the condition
holds. Locals that cross from one phase to another are kept per example and neuron: memory for examples · neurons, never
for messages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import SourceLine
from ..nir.algebra import axes
from ..nir.expressions import ZERO, Binary, Const, Draw, Element, Expr, Index, Local, Select, SynapseField, Unary
from ..nir.liveness import needed, needed_again
from ..nir.prune import rewrite_body, specialise
from ..nir.statements import Assign, Backpropagate, Body, FeedForward, If, MessageLoop, Push, SetField, Stmt
from ..nir.trees import LOOPS, all_expressions, bodies, walk, with_bodies, writes
from .once import calls, known_draws
from .reports import Kept
from .straight import Versions, crooked, straighten, truth


@dataclass(frozen=True)
class Elementwise:
    """Statements that run neuron by neuron.

    Args:
        body: the statements.
        live: the locals that later phases read.
    """

    body: Body
    live: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Nest:
    """A message loop that runs over all neurons for each message.

    Args:
        body: the loop's body, on a straight line.
        starts: what locals are before the first message, where that is one number for the layer.
        carried: the locals that pass from one message to the next, or to later phases.
    """

    body: Body
    starts: dict[str, Expr]
    carried: tuple[str, ...] = ()


Phase = Elementwise | Nest


def obstacle(loop: MessageLoop) -> Kept | None:
    """What keeps a message loop from running for many neurons at once; None where nothing does."""
    found = crooked(loop.body)
    if found is None:
        return None
    word = _word(found)
    return Kept(f"the loop contains {word}", found.where or loop.where, _CURES.get(word, ""))


def _word(statement: Stmt) -> str:
    if isinstance(statement, Assign) and isinstance(statement.value, Draw):
        return "a random draw"
    if any(isinstance(part, Element) for part in all_expressions((statement,))):
        return "an item of an array"
    if isinstance(statement, SetField) or any(isinstance(part, SynapseField) for part in all_expressions((statement,))):
        return "a SynapseState"
    return _WORDS.get(type(statement).__name__, "more than assignments, conditions and pushes")


_WORDS = {
    "Break": "a break", "RangeLoop": "another loop", "While": "another loop", "FeedForward": "feedforward",
    "Backpropagate": "backpropagate", "SetSlope": "an activation whose slope is remembered",
}  # fmt: skip


_CURES = {
    "a break": "say by a condition which messages count, in place of the break",
    "another loop": "compute what does not depend on the message before the loop over the messages",
    "a random draw": "draw once for the neuron, before the loop",
}


def method_obstacle(body: Body) -> Kept | None:
    """What keeps a whole method from being cut; None where nothing does."""
    for kind, name in ((FeedForward, "feedforward"), (Backpropagate, "backpropagate")):
        present = [statement for statement in walk(body) if isinstance(statement, kind)]
        if present and not calls(body, kind).exactly_once:
            reason = f"it cannot be seen that self.{name} is called exactly once"
            return Kept(reason, present[-1].where, "call it once, where the method ends")
    parts = _Cut().method(body)
    drawn: int | None = 0
    for part in parts:
        if isinstance(part, Elementwise):
            here = known_draws(part.body)
            if drawn is None and here != 0:
                reason = "a random draw follows the loop, and how many come before depends on a condition"
                return Kept(reason, None, "draw before every condition")
            drawn = None if drawn is None or here is None else drawn + here
    return None


_AGAIN = Kept("the loop stands in a loop that may run again", None, "sum over the messages before the other loop")


def refusals(body: Body) -> dict[SourceLine | None, Kept]:
    """The message loops of a method that stay scalar, by their lines, and why."""
    found: dict[SourceLine | None, Kept] = {}
    whole = method_obstacle(body)

    def visit(statements: Body, repeated: bool) -> None:
        for statement in statements:
            if isinstance(statement, MessageLoop):
                again = _AGAIN if repeated else None
                kept = again or obstacle(statement) or whole
                if kept is not None:
                    found[statement.where] = replace(kept, where=kept.where or statement.where)
            for nested in bodies(statement):
                visit(nested, repeated or isinstance(statement, LOOPS))

    visit(body, False)
    return found


def phases(body: Body, live: frozenset[str]) -> tuple[Phase, ...]:
    """The phases of a method; one where nothing in it can be cut out.

    Args:
        body: the method, specialised and pruned.
        live: the locals that are read after it (what `forward` leaves for `backward`).
    """
    if not _cuts(body) or method_obstacle(body) is not None:
        return (Elementwise(body, live),)
    found: list[Phase] = []
    for part in reversed(_Cut().method(body)):
        if isinstance(part, Elementwise):
            kept, before = needed(part.body, live)
            phase: Phase = Elementwise(kept, live)
        else:
            kept, before = needed_again(part.body, live)
            written = writes(kept)
            starts = {name: value for name, value in part.starts.items() if name in written & before}
            phase = Nest(kept, starts, tuple(sorted(written & (live | before))))
            before = before - starts.keys()
        if kept:
            found.append(phase)
            live = before
    return tuple(reversed(found))


def _cuts(body: Body) -> bool:
    """True where some message loop, at most under conditions, can be cut out."""
    for statement in body:
        if isinstance(statement, MessageLoop) and obstacle(statement) is None:
            return True
        if isinstance(statement, If) and (_cuts(statement.then) or _cuts(statement.otherwise)):
            return True
    return False


class _Cut:
    def __init__(self) -> None:
        self.versions = Versions()
        self.parts: list[Phase] = []
        self.open: list[tuple[Expr | None, list[Stmt]]] = []

    def method(self, body: Body) -> list[Phase]:
        self._add(body, None)
        self._close()
        return self.parts

    def _add(self, body: Body, guard: Expr | None) -> None:
        for statement in body:
            if isinstance(statement, MessageLoop) and obstacle(statement) is None:
                self._loop(statement, guard)
            elif isinstance(statement, If) and _cuts((statement,)):
                taken = Local(self.versions.of("taken"))
                self._emit(Assign(taken.name, truth(statement.condition), where=statement.where), guard)
                for condition, branch in ((taken, statement.then), (Unary("not", taken), statement.otherwise)):
                    self._add(branch, condition if guard is None else Binary("and", guard, condition))
            else:
                self._emit(statement, guard)

    def _emit(self, statement: Stmt, guard: Expr | None) -> None:
        if not self.open or self.open[-1][0] != guard:
            self.open.append((guard, []))
        self.open[-1][1].append(statement)

    def _close(self) -> None:
        body: list[Stmt] = []
        for guard, statements in self.open:
            body += statements if guard is None else [If(guard, tuple(statements))]
        self.open = []
        self.parts.append(Elementwise(tuple(body)))

    def _loop(self, loop: MessageLoop, guard: Expr | None) -> None:
        body = specialise(loop.body, _of_real_neurons)
        own = {name: self.versions.of(name) for name in sorted(writes(body))}
        body = straighten(_renamed(body, own), self.versions)
        if guard is not None:
            body = tuple(_guarded(statement, guard) for statement in body)
        starts: dict[str, Expr] = {}
        for name, version in own.items():
            start = self._start(name, guard)
            if start is None:
                self._emit(Assign(version, Local(name)), guard)
            else:
                starts[version] = start
        self._close()
        self.parts.append(Nest(body, starts))
        for name, version in own.items():
            self._emit(Assign(name, Local(version), where=loop.where), guard)

    def _start(self, name: str, guard: Expr | None) -> Expr | None:
        """What a local is just before a loop, where that is one number for the layer."""
        for condition, statements in reversed(self.open):
            for statement in reversed(statements):
                if name in writes((statement,)):
                    if not isinstance(statement, Assign) or condition not in (guard, None):
                        return None
                    return None if axes(statement.value, {}) else statement.value
        return None


def _of_real_neurons(expression: Expr) -> Expr:
    # Bias senders have kernels of their own, which are not cut.
    match expression:
        case Binary("==", Index(), Const(-1)):
            return Const(False)
        case Binary("!=", Index(), Const(-1)):
            return Const(True)
    return expression


def _renamed(body: Body, names: dict[str, str]) -> Body:
    """A body with other names for the locals that it assigns."""

    def change(expression: Expr) -> Expr:
        return Local(names.get(expression.name, expression.name)) if isinstance(expression, Local) else expression

    def assigned(statements: Body) -> Body:
        renamed = (replace(item, name=names[item.name]) if isinstance(item, Assign) else item for item in statements)
        return tuple(with_bodies(item, tuple(map(assigned, bodies(item)))) for item in renamed)

    return assigned(rewrite_body(body, change))


def _guarded(statement: Stmt, guard: Expr) -> Stmt:
    return Push(Select(guard, statement.value, ZERO)) if isinstance(statement, Push) else statement
