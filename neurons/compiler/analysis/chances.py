"""Probabilities that a layer's numbers decide: wrong ones are told before the first step, not drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...errors import NeuronError, SourceLine
from ..nir.evaluate import evaluate
from ..nir.expressions import Const, Draw, Element, Expr, Hyper, SynapseDraw
from ..nir.statements import Assign, Body, Stmt
from ..nir.trees import own_expressions, subexpressions, walk, with_factors
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
    for statement, of_synapse in _of_synapses(analysis):
        _check_synapse_draw(of_synapse, values, statement.where)


def _check_synapse_draw(drawn: SynapseDraw, values: Mapping[str, float | int | bool], where: SourceLine | None) -> None:
    if not decided(drawn.trials) or not decided(drawn.chance):
        raise NeuronError(
            f"{drawn}: n and p must be the same for all synapses of the layer, made of constants and hyperparameters",
            where,
        )
    trials, chance = evaluate(drawn.trials, values), evaluate(drawn.chance, values)
    if trials < 0 or trials % 1:
        raise NeuronError(f"m.binomial(n, p): n must be a whole number of trials, {drawn.trials} is {trials}", where)
    if not 0 <= chance <= 1:
        raise NeuronError(f"m.binomial(n, p): p must be in [0, 1], {drawn.chance} is {chance}", where)


def decided(chance: Expr) -> bool:
    """True where a layer's numbers alone decide a value."""
    parts = list(subexpressions(chance))
    return all(isinstance(part, (Const, Hyper)) or (part.children and not isinstance(part, Element)) for part in parts)


def _of_synapses(analysis: Analysis) -> Iterator[tuple[Stmt, SynapseDraw]]:
    for statement in walk((*analysis.forward, *analysis.predict)):
        parts = (part for own in own_expressions(statement) for part in with_factors(subexpressions(own)))
        yield from ((statement, part) for part in parts if isinstance(part, SynapseDraw))


def _binomials(body: Body) -> list[tuple[Stmt, Draw]]:
    draws = ((item, item.value) for item in walk(body) if isinstance(item, Assign))
    return [(item, value) for item, value in draws if isinstance(value, Draw) and value.kind == "binomial"]
