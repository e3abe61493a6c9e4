"""The message loops of a method, replaced by matrix products where they are some."""

from __future__ import annotations

from dataclasses import dataclass

from ..capture.tables import certain
from ..nir.algebra import axes
from ..nir.expressions import Axes, Binary, Const, Element, Expr, Field, Index, Local, Stored, Type
from ..nir.prune import propagate, specialise
from ..nir.statements import Body, MessageLoop, Push, PushFactor, RangeLoop, Stmt, While
from ..nir.trees import bodies, reads_outside, subexpressions, walk, with_bodies
from ..nir.types import infer_locals
from .loops import Hoisted, classify
from .reports import Kept, LoopReport


@dataclass(frozen=True)
class _Place:
    """Where a loop stands: whether every run comes to it, and whether it may run again."""

    always: bool = True
    repeated: bool = False


def hoist(
    body: Body, method: str, reports: list[LoopReport], pushes: bool = True, types: dict[str, Type] | None = None
) -> tuple[Body, list[Hoisted]]:
    """A method in which sums of products replace the message loops that are some, and those loops.

    Args:
        body: the method.
        method: "forward" or "backward".
        reports: what became of each loop is added here.
        pushes: False where pushes have to stay loops.
        types: of what `forward` left for `backward`.
    """
    body = propagate(body, _known_outside)
    kinds = infer_locals(body, types)
    hoists: list[Hoisted] = []

    def replaced(loop: MessageLoop, place: _Place) -> Body:
        found = classify(loop, reads_outside(body, loop), kinds, place.always)
        if isinstance(found, Hoisted) and found.push and (place.repeated or not pushes):
            again = "the push stands in a loop that may run again"
            found = Kept(again if place.repeated else "the push of another loop is no product", loop.where)
        if isinstance(found, Kept):
            reports.append(LoopReport(method, loop.where, found))
            return (loop,)
        reports.append(LoopReport(method, loop.where, None, found.matched))
        hoists.append(found)
        return found.statements

    def visit(statements: Body, place: _Place) -> Body:
        result: list[Stmt] = []
        for statement in statements:
            if isinstance(statement, MessageLoop):
                result.extend(replaced(statement, place))
                continue
            again = place.repeated or isinstance(statement, (RangeLoop, While))
            inner = tuple(visit(nested, _Place(False, again)) for nested in bodies(statement))
            result.append(with_bodies(statement, inner) if inner else statement)
        return tuple(result)

    return visit(body, _Place()), hoists


def hoist_backward(body: Body, reports: list[LoopReport], types: dict[str, Type]) -> Body:
    """`backward`, its loops hoisted. Pushes are products everywhere or nowhere: D is formed in one of two ways.

    Args:
        body: the method.
        reports: what became of each loop is added here.
        types: of what `forward` left for it.
    """
    body = specialise(body, _told_of_neuron)
    found: list[LoopReport] = []
    hoisted, _ = hoist(body, "backward", found, types=types)
    kinds = {type(statement) for statement in walk(hoisted)}
    if Push in kinds and PushFactor in kinds:
        found.clear()
        hoisted, _ = hoist(body, "backward", found, pushes=False, types=types)
    reports += found
    return hoisted


def _told_of_neuron(expression: Expr) -> Expr:
    # The messages of `backward` go back to the neuron: whether it is a bias sender, all of them tell alike.
    return Binary("==", Index(), Const(-1)) if expression == Field("is_bias") else expression


def _known_outside(expression: Expr) -> bool:
    """True for what can be written down anywhere in a layer's kernels: numbers of the layer, and of the neuron."""
    if axes(expression, {}) & ~Axes.NEURON:
        return False
    # Items that a run has to look out for stay where the user reads them.
    return not any(isinstance(part, (Local, Stored)) for part in subexpressions(expression)) and all(
        certain(index) for part in subexpressions(expression) if isinstance(part, Element) for index in part.indices
    )
