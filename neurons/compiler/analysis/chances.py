"""Probabilities that a layer's numbers decide: wrong ones are told before the first step, not drawn from."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import NeuronError
from ..nir.evaluate import evaluate
from ..nir.expressions import Const, Draw, Element, Expr, Hyper
from ..nir.statements import Assign, Body, Stmt
from ..nir.trees import subexpressions, walk
from .analysis import Analysis


def check_chances(analysis: Analysis, numbers: Mapping[str, float | int | bool]) -> None:
    """Refuse ``binomial(n, p)`` with a p outside of [0, 1].

    Args:
        analysis: the layer's class.
        numbers: the layer's hyperparameters.

    Raises:
        NeuronError: with the line of the draw. What differs between neurons or steps is looked at when it is drawn.
    """
    values = {f"h_{name}": value for name, value in numbers.items()}
    for body in (analysis.forward, analysis.predict, analysis.backward or ()):
        for statement, drawn in _binomials(body):
            chance = drawn.arguments[1]
            if decided(chance):
                value = evaluate(chance, values)
                if not 0 <= value <= 1:
                    raise NeuronError(f"binomial(n, p): p must be in [0, 1], {chance} is {value}", statement.where)


def decided(chance: Expr) -> bool:
    """True where a layer's numbers alone decide a value."""
    parts = list(subexpressions(chance))
    return all(isinstance(part, (Const, Hyper)) or (part.children and not isinstance(part, Element)) for part in parts)


def _binomials(body: Body) -> list[tuple[Stmt, Draw]]:
    draws = ((item, item.value) for item in walk(body) if isinstance(item, Assign))
    return [(item, value) for item, value in draws if isinstance(value, Draw) and value.kind == "binomial"]
