"""The message loops of a method, replaced by matrix products where they are some."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SourceLine
from .algebra import axes
from .loops import Hoisted, Kept, classify
from .nir import Body, MessageLoop, Push, PushFactor, RangeLoop, Stmt, While
from .prune import propagate
from .trees import bodies, reads, walk, with_bodies, writes


@dataclass(frozen=True)
class LoopReport:
    """What became of one message loop: `kept` is None where it is a matrix product."""

    method: str
    where: SourceLine | None
    kept: Kept | None


def hoist(body: Body, method: str, reports: list[LoopReport], pushes: bool = True) -> tuple[Body, list[Hoisted]]:
    """A method in which matrix products replace the message loops that are some, and those loops."""
    body = propagate(body, lambda expression: not axes(expression, {}))
    hoists: list[Hoisted] = []

    def visit(statements: Body, top: bool, repeated: bool) -> Body:
        result: list[Stmt] = []
        for statement in statements:
            if isinstance(statement, MessageLoop):
                found = _loop(statement, body, method, top, repeated)
                if isinstance(found, Hoisted) and found.factor is not None and not pushes:
                    found = Kept("the push of another loop is no product", statement.where)
                reports.append(LoopReport(method, statement.where, found if isinstance(found, Kept) else None))
                if isinstance(found, Hoisted):
                    hoists.append(found)
                    result.extend(found.statements)
                    continue
                result.append(statement)
                continue
            again = repeated or isinstance(statement, (RangeLoop, While))
            inner = tuple(visit(nested, False, again) for nested in bodies(statement))
            result.append(with_bodies(statement, inner) if inner else statement)
        return tuple(result)

    return visit(body, True, False), hoists


def hoist_backward(body: Body, reports: list[LoopReport]) -> Body:
    """`backward`, its loops hoisted. Pushes are products everywhere or nowhere: D is formed in one of two ways."""
    found: list[LoopReport] = []
    hoisted, _ = hoist(body, "backward", found)
    kinds = {type(statement) for statement in walk(hoisted)}
    if Push in kinds and PushFactor in kinds:
        found.clear()
        hoisted, _ = hoist(body, "backward", found, pushes=False)
    reports += found
    return hoisted


def _loop(loop: MessageLoop, body: Body, method: str, top: bool, repeated: bool) -> Hoisted | Kept:
    elsewhere = _reads_outside(body, loop)
    found = classify(loop, method, elsewhere, {})
    if isinstance(found, Hoisted) and found.factor is not None:
        if repeated:
            return Kept("the push stands in a loop that may run again", loop.where)
        if not top and not found.carry.empty:
            return Kept("what the push adds of the weight itself stands under a condition", loop.where)
    return found


def _reads_outside(body: Body, loop: MessageLoop) -> set[str]:
    found: set[str] = {name for name in writes(body) if name.startswith("self.")}

    def visit(statements: Body) -> None:
        for statement in statements:
            if statement is loop:
                continue
            shallow = with_bodies(statement, tuple(() for _ in bodies(statement)))
            found.update(reads((shallow,)))
            for nested in bodies(statement):
                visit(nested)

    visit(body)
    return found
