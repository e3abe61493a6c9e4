"""Which neurons a mask takes out of a batch altogether: the licence for computing a sub-model compactly.

A class can be dropped where its `forward` begins with one ``binomial(1, p)`` draw, p the same for the layer, and where
a 0 drawn there makes the output, the delta and what it pushes 0. That is found by running both methods on constants:
``0 · x`` counts as 0, everything unknown as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..nir.algebra import axes
from ..nir.expressions import Axes, Binary, Const, Draw, Expr, Local, Output, Slope, Unary
from ..nir.prune import fold, rewrite, rewrite_body
from ..nir.statements import Assign, Backpropagate, Body, FeedForward, If, PushFactor, SetSlope, Stmt
from ..nir.trees import bodies, walk, writes


@dataclass(frozen=True)
class Drop:
    """The draw that takes a neuron out: ``binomial(1, probability)``, the first of its `forward`."""

    probability: Expr


@dataclass
class _Known:
    """What a run on constants knows: values of locals, and what was fed forward, sent back, pushed."""

    values: dict[str, Const] = field(default_factory=dict)
    said: dict[type[Stmt], list[Expr]] = field(default_factory=dict)


def find_drop(forward: Body, backward: Body | None) -> Drop | None:
    """The draw whose 0 takes a neuron out; None where there is none.

    Args:
        forward: `forward` while training, its loops hoisted.
        backward: `backward`, its loops hoisted.
    """
    first = next((item for item in walk(forward) if isinstance(item, Assign) and isinstance(item.value, Draw)), None)
    if first is None or first not in forward or backward is None:
        return None
    assert isinstance(first.value, Draw)
    if first.value.kind != "binomial" or first.value.arguments[0] != Const(1):
        return None
    if axes(first.value.arguments[1], {}) is not Axes.NONE:
        return None
    known = _Known()
    _run(forward, known, {first.name: Const(0.0)})
    if not _all_zero(known, FeedForward):
        return None
    state = {name: value for name, value in known.values.items() if name.startswith("self.")}
    slope = Const(0.0) if _all_zero(known, SetSlope) else None
    back = _Known(dict(state))
    _run(_with(backward, slope), back, {})
    return Drop(first.value.arguments[1]) if _all_zero(back, Backpropagate) and _all_zero(back, PushFactor) else None


def _all_zero(known: _Known, kind: type[Stmt]) -> bool:
    return all(isinstance(value, Const) and value.value == 0 for value in known.said.get(kind, []))


def _with(body: Body, slope: Const | None) -> Body:
    def change(expression: Expr) -> Expr:
        if isinstance(expression, Output):
            return Const(0.0)
        if isinstance(expression, Slope) and slope is not None:
            return slope
        return expression

    return rewrite_body(body, change)


def _run(body: Body, known: _Known, forced: dict[str, Const]) -> None:
    for statement in body:
        match statement:
            case Assign(name, value):
                result = forced.get(name, _evaluate(value, known))
                if isinstance(result, Const):
                    known.values[name] = result
                else:
                    known.values.pop(name, None)
            case If(condition, then, otherwise):
                test = _evaluate(condition, known)
                if isinstance(test, Const):
                    _run(then if test.value else otherwise, known, forced)
                else:
                    _join(then, otherwise, known, forced)
            case FeedForward(value) | Backpropagate(value) | PushFactor(value) | SetSlope(value):
                known.said.setdefault(type(statement), []).append(_evaluate(value, known))
            case _:
                for nested in bodies(statement):
                    for name in writes(nested):
                        known.values.pop(name, None)
                    inner = _Known(dict(known.values), known.said)
                    _run(nested, inner, forced)


def _join(then: Body, otherwise: Body, known: _Known, forced: dict[str, Const]) -> None:
    first, second = _Known(dict(known.values), known.said), _Known(dict(known.values), known.said)
    _run(then, first, forced)
    _run(otherwise, second, forced)
    known.values = {name: value for name, value in first.values.items() if second.values.get(name) == value}


def _evaluate(value: Expr, known: _Known) -> Expr:
    def change(expression: Expr) -> Expr:
        if isinstance(expression, Local):
            return known.values.get(expression.name, expression)
        match expression:
            case Binary("*", Const(left), _) if left == 0:
                return Const(0.0)
            case Binary("*", _, Const(right)) if right == 0:
                return Const(0.0)
            case Binary("/", Const(left), _) if left == 0:
                return Const(0.0)
            case Binary("+", Const(left), Const(right)):
                return Const(left + right)
            case Unary("-", Const(operand)):
                return Const(-operand)
        return fold(expression)

    return rewrite(value, change)
