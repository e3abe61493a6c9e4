"""A `forward` brought into the form of `dataflow`: values named once, branches as selections, loops as recurrences.

Of the whole method, draws and activations included, where `guards` and `straight` know one message loop: what reverse
differentiation goes through backwards must have a name, and no branch.
"""

from __future__ import annotations

from dataclasses import replace

from ...errors import SourceLine
from ..nir.continuing import without_break, without_continue
from ..nir.expressions import ZERO, Const, Draw, Expr, Field, Local, Stored, Unary
from ..nir.prune import fold, rewrite
from ..nir.statements import Assign, Body, FeedForward, If, MessageLoop, RangeLoop, SetSlope, Stmt, While
from ..nir.trees import reads, reads_outside, writes
from .dataflow import DRAWN, Block, Carried, Dataflow, Definition, Recurrence, carried_on, depends, live, refused
from .derivative import choose
from .inner import applications_in, inner_loop, values_before
from .tangents import with_tangents


def dataflow(forward: Body) -> Dataflow:
    """The dataflow of a method.

    Args:
        forward: `forward` while training, as it was lowered: no loop hoisted.

    Raises:
        NeuronError: its derivative cannot be taken, with the line that is to blame.
    """
    builder = _Builder(forward)
    values: Values = {}
    taped = builder.body(forward, values)
    return Dataflow(
        tuple(builder.items), values.get(_OUTPUT, ZERO), frozenset(builder.active), tuple(builder.applications),
        tuple(builder.points), taped,
    )  # fmt: skip


#: Local → the value that it has at some point of the method.
Values = dict[str, Expr]
#: What was fed forward, among the locals.
_OUTPUT = "feedforward()"
#: Whether a message loop has not been left, among the locals.
_RUNNING = "running()"


class _Builder:
    def __init__(self, method: Body) -> None:
        self.method = method
        self.items: list[Definition | Recurrence] = []
        self.steps: list[Definition | Block] = []
        self.active: set[str] = set()
        self.applications: list[str] = []
        self.points: list[Expr] = []
        self.names = 0
        self.tapes = 0
        self.in_loop = False
        self.guard: Expr | None = None

    # Values ------------------------------------------------------------------------------------------------------

    def fresh(self, name: str) -> str:
        self.names += 1
        return f"{name.removeprefix('self.').removesuffix('()')}__{self.names}"

    def evaluated(self, value: Expr, values: Values) -> Expr:
        def known(expression: Expr) -> Expr:
            return values.get(expression.name, ZERO) if isinstance(expression, Local) else fold(expression)

        return rewrite(value, known)

    def named(self, name: str, value: Expr, where: SourceLine | None) -> Expr:
        """A value that may be written several times: by a name of its own, unless it is no computation."""
        computed = bool(value.children) or isinstance(value, Field)
        return self.define(name, value, where) if computed else value

    def define(
        self,
        name: str,
        value: Expr,
        where: SourceLine | None,
        partials: tuple[tuple[Expr, Expr], ...] | None = None,
    ) -> Local:
        """A value by a name of its own."""
        definition = Definition(self.fresh(name), value, partials, self.guard, where)
        if self.in_loop:
            self.steps.append(definition)
        else:
            self.items.append(definition)
        if partials is not None or depends(value, self.active):
            self.active.add(definition.name)
        return Local(definition.name)

    def tape(self, name: str, values: Values) -> Assign:
        """Leave the local's value, as it is now, for `backward`."""
        self.tapes += 1
        left = f"self.taped__{self.tapes}"
        values[name] = Local(left)
        return Assign(left, Local(name))

    # Statements --------------------------------------------------------------------------------------------------

    def body(self, body: Body, values: Values) -> Body:
        """Take up statements; `values` goes along. Returns them with what they leave for `backward`."""
        taped: list[Stmt] = []
        for statement in body:
            taped += self.statement(statement, values)
        return tuple(taped)

    def statement(self, statement: Stmt, values: Values) -> list[Stmt]:
        match statement:
            case Assign(name, Draw()):
                if self.in_loop:
                    raise refused(DRAWN, statement)
                return [statement, self.tape(name, values)]
            case Assign(name, Stored()):
                # What is stored may have changed when the derivatives are taken.
                return [statement, self.tape(name, values)]
            case Assign(name, value):
                values[name] = self.named(name, self.evaluated(value, values), statement.where)
            case FeedForward(value):
                if self.in_loop:
                    raise refused("it feeds forward within a loop over messages", statement)
                values[_OUTPUT] = self.named(_OUTPUT, self.evaluated(value, values), statement.where)
            case SetSlope():
                self.apply_activation(statement, values)
            case If():
                return [self.branches(statement, values)]
            case MessageLoop():
                return self.loop(statement, values)
            case RangeLoop() | While():
                self.applications += applications_in(statement, self.in_loop)
                if not self.in_loop:
                    return self.plain_loop(statement, values)
                self.inner_loop(statement, values)
            case _:
                raise AssertionError(f"{type(statement).__name__} in forward")
        return [statement]

    def apply_activation(self, statement: SetSlope, values: Values) -> None:
        if not isinstance(statement.result, Local):
            return
        point, slope = self.evaluated(statement.point, values), self.evaluated(statement.value, values)
        result = self.evaluated(statement.result, values)
        if not depends(point, self.active):
            return
        applied = self.define(statement.result.name, result, statement.where, ((point, slope),))
        values[statement.result.name] = applied
        self.applications.append(applied.name)
        if not self.in_loop:
            self.points.append(point)

    def branches(self, statement: If, values: Values) -> Stmt:
        condition = self.evaluated(statement.condition, values)
        if isinstance(condition, Const):
            taken = self.body(statement.then if condition.value else statement.otherwise, values)
            return replace(statement, then=taken, otherwise=taken)
        condition = self.named("condition", condition, statement.where)
        then, otherwise = dict(values), dict(values)
        inner = (
            self.guarded(statement.then, then, condition),
            self.guarded(statement.otherwise, otherwise, Unary("not", condition)),
        )
        for name in [*then, *(name for name in otherwise if name not in then)]:
            first, second = then.get(name, ZERO), otherwise.get(name, ZERO)
            chosen = choose(condition, first, second)
            values[name] = first if first == second else self.named(name, chosen, statement.where)
        return replace(statement, then=inner[0], otherwise=inner[1])

    def guarded(self, body: Body, values: Values, condition: Expr) -> Body:
        """Statements that run under one more condition."""
        outer = self.guard
        self.guard = condition if outer is None else choose(outer, condition, Const(False))
        taken = self.body(body, values)
        self.guard = outer
        return taken

    def inner_loop(self, statement: Stmt, values: Values) -> None:
        """A loop within a message loop."""
        used = reads_outside(self.method, statement)
        before = values_before(statement, values, used)
        found = inner_loop(statement, before, self.active, self.guard, self.fresh)
        blind = not any(depends(part, self.active) for part in found.block.parts)
        self.steps.append(found.block)
        for name, (value, partials) in found.results.items():
            if name in used:
                values[name] = self.define(name, value, statement.where, None if blind else partials)

    def plain_loop(self, statement: Stmt, values: Values) -> list[Stmt]:
        """A loop beside those over messages: what it ends with is left, with its derivatives by what went in."""
        used = reads_outside(self.method, statement)
        before = values_before(statement, values, used)
        inputs: dict[Expr, Expr] = {
            Local(name): before[name]
            for name in sorted(reads((statement,)) | writes((statement,)))
            if name in before and depends(before[name], self.active)
        }
        found = with_tangents((statement,), inputs, self.fresh)
        taped = list(found.body)
        for name in sorted(writes((statement,)) & used):
            taped.append(self.tape(name, values))
            if inputs:
                partials = []
                for source, tangent in found.slopes.get(name, {}).items():
                    taped.append(self.tape(tangent, values))
                    partials.append((source, values.pop(tangent)))
                values[name] = self.define(name, values[name], statement.where, tuple(partials))
        return taped

    # Message loops -----------------------------------------------------------------------------------------------

    def loop(self, loop: MessageLoop, values: Values) -> list[Stmt]:
        guard, self.guard = self.guard, None
        self.in_loop = True
        body = without_continue(without_break(loop.body, _RUNNING))
        written = sorted(writes(body))
        entries = {name: self.fresh(name) for name in written}
        initial = {name: Const(True) if name == _RUNNING else values.get(name, ZERO) for name in written}
        ends = self._ends(replace(loop, body=body), values, entries, initial)
        steps, self.in_loop, self.guard = tuple(self.steps), False, guard
        used = reads_outside(self.method, loop)
        taped: list[Stmt] = []
        carried: list[Carried] = []
        for name in written:
            left = None
            if name in used:
                taped.append(self.tape(name, values))
                left = f"self.taped__{self.tapes}"
                if entries[name] in self.active:
                    self.active.add(left)
            else:
                values.pop(name, None)
            carried.append(Carried(entries[name], initial[name], ends[name], left))
        found = Recurrence(carried_on(carried, steps), steps, guard, loop.where)
        self.items.append(replace(found, steps=live(steps, [item.next for item in found.carried])))
        return [loop, *taped]

    def _ends(self, loop: MessageLoop, values: Values, entries: dict[str, str], initial: Values) -> Values:
        """The locals' values at the end of a message; what messages decide at all is found by fixed point."""
        names, active = self.names, set(self.active)
        applications = len(self.applications)
        carried = {name for name, value in initial.items() if depends(value, self.active)}
        while True:
            self.names, self.steps, self.active = names, [], active | {entries[name] for name in carried}
            del self.applications[applications:]
            inner = values | {name: Local(entry) for name, entry in entries.items()}
            if _RUNNING not in entries:
                self.body(loop.body, inner)
            else:
                running = Local(entries[_RUNNING])
                self.guarded(loop.body, inner, running)
                # The messages behind a break change nothing.
                for name, entry in entries.items():
                    inner[name] = self.named(name, choose(running, inner[name], Local(entry)), loop.where)
            found = {name for name in entries if depends(inner[name], self.active)} | carried
            if found == carried:
                return inner
            carried = found
