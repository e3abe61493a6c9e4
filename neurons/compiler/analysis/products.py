"""Terms: products of what differs between examples and what differs between neurons, as they are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..nir.algebra import add, depends_on_message, divide, multiply, negate
from ..nir.expressions import ONE, Binary, Expr, Field, Unary
from .guards import scaled
from .sides import DERIVED


@dataclass(frozen=True)
class Term:
    """coefficient · left · right."""

    coefficient: Expr
    left: Expr = ONE
    right: Expr = ONE

    @property
    def product(self) -> tuple[Expr, Expr]:
        return self.left, self.right


Terms = list[Term]


def summed(terms: Terms) -> Terms:
    """Terms with the same product are one."""
    found: dict[tuple[Expr, Expr], Expr] = {}
    for term in terms:
        known = found.get(term.product)
        found[term.product] = term.coefficient if known is None else add(known, term.coefficient)
    return [Term(coefficient, *product) for product, coefficient in found.items()]


def grouped(terms: Terms) -> Terms:
    """Terms that differ on one side only, which is summed there: ``input · w + 1 · w`` is ``(input + 1) · w``."""
    for mine, other in (("left", "right"), ("right", "left")):
        found: dict[tuple[Expr, Expr], Expr] = {}
        for term in terms:
            key = term.coefficient, getattr(term, other)
            value = getattr(term, mine)
            found[key] = add(found[key], value) if key in found and not derived(value) else value
            if derived(value):
                return terms
        terms = [Term(coefficient, **{mine: value, other: shared}) for (coefficient, shared), value in found.items()]
    return terms


def apart(terms: Terms) -> Terms:
    """Terms of weights alone, each field with a coefficient of its own: what a push carries over is made of such."""
    found: Terms = []
    for term in terms:
        linear = _linear(term.right) if term.left == ONE else None
        found += [replace(part, coefficient=scaled(term.coefficient, part.coefficient)) for part in linear or []]
        found += [] if linear else [term]
    return summed(found)


def _linear(expression: Expr) -> Terms | None:
    """A sum of multiples of message fields; None for anything else."""
    match expression:
        case Field():
            return [Term(ONE, ONE, expression)]
        case Unary("-", operand):
            return _scaled(_linear(operand), negate)
        case Binary("+" | "-" as op, left, right):
            first, second = _linear(left), _linear(right)
            second = _scaled(second, negate) if op == "-" else second
            return None if first is None or second is None else first + second
        case Binary("*", left, right) if not depends_on_message(left):
            return _scaled(_linear(right), lambda value: multiply(left, value))
        case Binary("*" | "/" as op, left, right) if not depends_on_message(right):
            return _scaled(_linear(left), lambda value: (multiply if op == "*" else divide)(value, right))
    return None


def _scaled(terms: Terms | None, change: Callable[[Expr], Expr]) -> Terms | None:
    return None if terms is None else [replace(term, coefficient=change(term.coefficient)) for term in terms]


def derived(value: Expr) -> bool:
    """True for a gradient, which the receiver decides."""
    return isinstance(value, Field) and value.name in DERIVED
