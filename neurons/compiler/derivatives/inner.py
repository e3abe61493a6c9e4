"""Loops that are no message loops.

One within a message loop is computed again for each message, with its derivatives by what the message brings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from ..nir.expressions import Const, Draw, Expr, Local
from ..nir.liveness import needed_again
from ..nir.prune import drop, fold, rewrite_body
from ..nir.statements import Assign, Body, FeedForward, If, MessageLoop, RangeLoop, SetSlope, Stmt
from ..nir.trees import all_expressions, bodies, walk, with_bodies, writes
from .dataflow import DIFFERENTIABLE, DRAWN, Block, refused
from .tangents import with_tangents


@dataclass(frozen=True)
class InnerLoop:
    """What a loop comes to.

    Args:
        block: the loop, its locals by names of their own.
        results: local → its value behind the loop, and its derivatives by the values that went into it.
    """

    block: Block
    results: Mapping[str, tuple[Local, tuple[tuple[Expr, Expr], ...]]]


def inner_loop(
    loop: Stmt, values: Mapping[str, Expr], active: Collection[str], guard: Expr | None, fresh: Callable[[str], str]
) -> InnerLoop:
    """A loop as values of a dataflow.

    Args:
        loop: the loop.
        values: local → its value before the loop.
        active: the values that the messages decide.
        guard: the condition under which the loop runs, else it might not end; None where it always does.
        fresh: a name → a new one like it.
    """
    names = {name: fresh(name) for name in sorted(writes((loop,)))}
    own: dict[str, Expr] = {name: Local(new) for name, new in names.items()}
    known = {**values, **own}

    def put(expression: Expr) -> Expr:
        return known.get(expression.name, expression) if isinstance(expression, Local) else fold(expression)

    body = _renamed(rewrite_body((loop,), put), names)
    if guard is not None:
        body = (If(guard, body),)
    starts = {own[name]: values.get(name, _UNSET) for name in names}
    inputs = {part: part for part in all_expressions(body) if _is_active(part, active)}
    inputs |= {local: start for local, start in starts.items() if _is_active(start, active)}
    found = with_tangents(body, inputs, fresh)
    begin = [Assign(new, starts[own[name]]) for name, new in names.items()]
    results = {
        name: (Local(new), tuple((source, Local(slope)) for source, slope in found.slopes.get(new, {}).items()))
        for name, new in names.items()
    }
    return InnerLoop(Block((*begin, *drop(found.body, (SetSlope,)))), results)


#: What a local is before the user's first assignment: of the least type.
_UNSET = Const(False)


def values_before(loop: Stmt, values: Mapping[str, Expr], used: Collection[str]) -> dict[str, Expr]:
    """The values before a loop; of what it assigns itself, those that it begins with, or may leave as they are.

    Args:
        loop: the loop.
        values: local → its value before the loop.
        used: what is read outside of the loop.
    """
    (body,) = bodies(loop)
    begun = needed_again(body, frozenset())[1]
    own = writes((loop,))
    return {name: value for name, value in values.items() if name in begun or name in used or name not in own}


def applications_in(loop: Stmt, in_message_loop: bool) -> list[str]:
    """The activation's results in a loop.

    Raises:
        NeuronError: the loop holds what has no derivative.
    """
    for inner in walk((loop,)):
        if isinstance(inner, MessageLoop):
            raise refused("it contains a loop over messages within another loop", inner)
        if isinstance(inner, FeedForward):
            raise refused("it contains self.feedforward(...) within another loop", inner)
        if in_message_loop and isinstance(inner, Assign) and isinstance(inner.value, Draw):
            raise refused(DRAWN, inner)
    return [str(inner.result) for inner in walk((loop,)) if isinstance(inner, SetSlope)]


def _is_active(value: Expr, active: Collection[str]) -> bool:
    return value in DIFFERENTIABLE or (isinstance(value, Local) and value.name in active)


def _renamed(body: Body, names: Mapping[str, str]) -> Body:
    """The body with other names for the locals that it assigns."""
    found = []
    for statement in body:
        if isinstance(statement, (Assign, RangeLoop)):
            statement = replace(statement, name=names[statement.name])
        found.append(with_bodies(statement, tuple(_renamed(nested, names) for nested in bodies(statement))))
    return tuple(found)
