"""A `forward` brought into the form of `dataflow`: values named once, branches as selections, loops as recurrences.

Of the whole method, draws and activations included, where `guards` and `straight` know one message loop: what reverse
differentiation goes through backwards must have a name, and no branch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...errors import NeuronError, SourceLine
from ..nir.continuing import without_continue
from ..nir.expressions import ZERO, Const, Draw, Expr, Field, Local, Stored, Unary
from ..nir.prune import fold, rewrite
from ..nir.statements import Assign, Body, Break, Continue, FeedForward, If, MessageLoop, SetSlope, Stmt
from ..nir.trees import reads, reads_outside, subexpressions, walk, writes
from .dataflow import Carried, Dataflow, Definition, Recurrence, depends, live
from .derivative import choose


def dataflow(forward: Body) -> Dataflow:
    """The dataflow of a method.

    Args:
        forward: `forward` while training, as it was lowered: no loop hoisted.

    Raises:
        NeuronError: its derivative cannot be taken, with the line that is to blame.
    """
    builder = _Builder(forward)
    values: Values = {}
    taped = builder.body(forward, values, None)
    return Dataflow(
        tuple(builder.items), values.get(_OUTPUT, ZERO), frozenset(builder.active), tuple(builder.applications),
        tuple(builder.points), taped,
    )  # fmt: skip


#: Local → the value that it has at some point of the method.
Values = dict[str, Expr]
#: What was fed forward, among the locals.
_OUTPUT = "feedforward()"


class _Builder:
    def __init__(self, method: Body) -> None:
        self.method = method
        self.items: list[Definition | Recurrence] = []
        self.active: set[str] = set()
        self.applications: list[str] = []
        self.points: list[Expr] = []
        self.names = 0
        self.tapes = 0
        self.in_loop = False

    # Values ------------------------------------------------------------------------------------------------------

    def fresh(self, name: str) -> str:
        self.names += 1
        return f"{name.removeprefix('self.').removesuffix('()')}__{self.names}"

    def evaluated(self, value: Expr, values: Values) -> Expr:
        def known(expression: Expr) -> Expr:
            return values.get(expression.name, ZERO) if isinstance(expression, Local) else fold(expression)

        return rewrite(value, known)

    def define(
        self, name: str, value: Expr, where: SourceLine | None, applied: tuple[Expr, Expr] | None = None
    ) -> Expr:
        """A value by a name of its own; what is no computation needs none."""
        if not value.children and not isinstance(value, Field) and applied is None:
            return value
        definition = Definition(self.fresh(name), value, applied, where)
        self.items.append(definition)
        if depends(value, self.active):
            self.active.add(definition.name)
        return Local(definition.name)

    def tape(self, name: str, values: Values) -> Assign:
        """Leave the local's value, as it is now, for `backward`."""
        self.tapes += 1
        left = f"self.taped__{self.tapes}"
        values[name] = Local(left)
        return Assign(left, Local(name))

    # Statements --------------------------------------------------------------------------------------------------

    def body(self, body: Body, values: Values, guard: Expr | None) -> Body:
        """Take up statements; `values` goes along. Returns them with what they leave for `backward`."""
        taped: list[Stmt] = []
        for statement in body:
            taped += self.statement(statement, values, guard)
        return tuple(taped)

    def statement(self, statement: Stmt, values: Values, guard: Expr | None) -> list[Stmt]:
        match statement:
            case Assign(name, Draw()):
                if self.in_loop:
                    raise _refused("each message has a random draw of its own", statement)
                return [statement, self.tape(name, values)]
            case Assign(name, Stored()):
                # What is stored may have changed when the derivatives are taken.
                return [statement, self.tape(name, values)]
            case Assign(name, value):
                values[name] = self.define(name, self.evaluated(value, values), statement.where)
            case FeedForward(value):
                if self.in_loop:
                    raise _refused("it feeds forward within a loop over messages", statement)
                values[_OUTPUT] = self.define(_OUTPUT, self.evaluated(value, values), statement.where)
            case SetSlope():
                self.apply_activation(statement, values)
            case If():
                return [self.branches(statement, values, guard)]
            case MessageLoop():
                return self.loop(statement, values, guard)
            case _:
                return self.opaque(statement, values)
        return [statement]

    def apply_activation(self, statement: SetSlope, values: Values) -> None:
        if not isinstance(statement.result, Local):
            return
        point, slope = self.evaluated(statement.point, values), self.evaluated(statement.value, values)
        result = self.evaluated(statement.result, values)
        if not depends(point, self.active):
            return
        applied = self.define(statement.result.name, result, statement.where, (point, slope))
        assert isinstance(applied, Local)
        self.active.add(applied.name)
        values[statement.result.name] = applied
        self.applications.append(applied.name)
        if not self.in_loop:
            self.points.append(point)

    def branches(self, statement: If, values: Values, guard: Expr | None) -> Stmt:
        condition = self.evaluated(statement.condition, values)
        if isinstance(condition, Const):
            taken = self.body(statement.then if condition.value else statement.otherwise, values, guard)
            return replace(statement, then=taken, otherwise=taken)
        condition = self.define("condition", condition, statement.where)
        then, otherwise = dict(values), dict(values)
        inner = (
            self.body(statement.then, then, _both(guard, condition)),
            self.body(statement.otherwise, otherwise, _both(guard, Unary("not", condition))),
        )
        for name in [*then, *(name for name in otherwise if name not in then)]:
            first, second = then.get(name, ZERO), otherwise.get(name, ZERO)
            chosen = choose(condition, first, second)
            values[name] = first if first == second else self.define(name, chosen, statement.where)
        return replace(statement, then=inner[0], otherwise=inner[1])

    def opaque(self, statement: Stmt, values: Values) -> list[Stmt]:
        """What no derivative goes through: a loop without messages, on numbers that no message decides."""
        read = [self.evaluated(Local(name), values) for name in reads((statement,)) if name in values]
        blind = not any(depends(value, self.active) for value in read)
        messages = any(isinstance(inner, (MessageLoop, FeedForward)) for inner in walk((statement,)))
        if self.in_loop or messages or not blind or isinstance(statement, (Break, Continue)):
            what = _KINDS.get(type(statement).__name__, "a loop beside that over the messages")
            raise _refused(f"it contains {what}", statement)
        return [statement, *(self.tape(name, values) for name in sorted(writes((statement,))))]

    # Message loops -----------------------------------------------------------------------------------------------

    def loop(self, loop: MessageLoop, values: Values, guard: Expr | None) -> list[Stmt]:
        if self.in_loop:
            raise _refused("it contains a loop over messages within another", loop)
        outer, self.items, self.in_loop = self.items, [], True
        written = sorted(writes(loop.body))
        entries = {name: self.fresh(name) for name in written}
        initial = {name: values.get(name, ZERO) for name in written}
        ends = self._ends(loop, values, entries, initial)
        steps, self.items, self.in_loop = tuple(_values_only(self.items)), outer, False
        needed = reads_outside(self.method, loop)
        taped: list[Stmt] = []
        carried: list[Carried] = []
        for name in written:
            left = None
            if name in needed:
                taped.append(self.tape(name, values))
                left = f"self.taped__{self.tapes}"
                if entries[name] in self.active:
                    self.active.add(left)
            else:
                values.pop(name, None)
            carried.append(Carried(entries[name], initial[name], ends[name], left))
        found = Recurrence(_needed(carried, steps), steps, guard, loop.where)
        self.items.append(replace(found, steps=live(steps, [item.next for item in found.carried])))
        return [loop, *taped]

    def _ends(self, loop: MessageLoop, values: Values, entries: dict[str, str], initial: Values) -> Values:
        """The locals' values at the end of a message; what messages decide at all is found by fixed point."""
        names, active = self.names, set(self.active)
        applications = len(self.applications)
        carried = {name for name, value in initial.items() if depends(value, self.active)}
        while True:
            self.names, self.items, self.active = names, [], active | {entries[name] for name in carried}
            del self.applications[applications:]
            inner = values | {name: Local(entry) for name, entry in entries.items()}
            self.body(without_continue(loop.body), inner, None)
            found = {name for name in entries if depends(inner[name], self.active)} | carried
            if found == carried:
                return inner
            carried = found


def _needed(carried: list[Carried], steps: tuple[Definition, ...]) -> tuple[Carried, ...]:
    """What is left for later, and what that needs of the message before."""
    kept = [item for item in carried if item.left is not None]
    while True:
        roots = [item.next for item in kept]
        values = [*roots, *(step.value for step in live(steps, roots))]
        read = {part.name for value in values for part in subexpressions(value) if isinstance(part, Local)}
        more = [item for item in carried if item not in kept and item.entry in read]
        if not more:
            return tuple(item for item in carried if item in kept)
        kept += more


def _values_only(items: list[Definition | Recurrence]) -> Iterable[Definition]:
    return (item for item in items if isinstance(item, Definition))


def _both(guard: Expr | None, condition: Expr) -> Expr:
    return condition if guard is None else fold_and(guard, condition)


def fold_and(left: Expr, right: Expr) -> Expr:
    """Both conditions."""
    return choose(left, right, Const(False))


_KINDS = {"Break": "a break", "Continue": "a continue"}


def _refused(reason: str, statement: Stmt) -> NeuronError:
    return NeuronError(f"its derivative cannot be taken: {reason}", statement.where)
