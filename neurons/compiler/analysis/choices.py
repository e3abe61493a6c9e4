"""``then if condition else otherwise``, both sums of terms, as terms: a guard goes to the one side that it knows.

**A guard excludes what it excludes.** A condition on one side goes into that side, as a choice between the value and
0, and only if the other factors are numbers whatever they are computed from: 0 · ∞ must not enter the sum. A condition
without a message goes around the coefficient. Message fields themselves are taken to be finite.
"""

from __future__ import annotations

from ..nir.algebra import depends_on_message, is_zero, multiply
from ..nir.expressions import ONE, ZERO, Binary, Const, Expr, Field, Unary
from ..nir.prune import rewrite
from .guards import choose
from .products import Term, Terms, derived, summed
from .reports import NoProductError
from .sides import Sides, always_a_number, sides


def chosen(condition: Expr, then: Terms, otherwise: Terms) -> Terms:
    """``then if condition else otherwise``, the condition on one side, or put together from such."""
    found = sides(condition)
    if not depends_on_message(condition):
        return _around_coefficients(condition, then, otherwise)
    if not found & ~Sides.LEFT:
        return _within(condition, then, otherwise, "left", "right")
    if not found & ~Sides.RIGHT:
        return _within(condition, then, otherwise, "right", "left")
    match condition:
        case Unary("not", operand):
            return chosen(operand, otherwise, then)
        case Binary("and", first, second):
            return chosen(first, chosen(second, then, otherwise), otherwise)
        case Binary("or", first, second):
            return chosen(first, then, chosen(second, then, otherwise))
    raise NoProductError(
        f"the condition {condition} compares what differs between examples with what differs between neurons",
        "a condition on m.input alone, on m.weight alone, or on the neuron alone keeps the product",
    )


def _around_coefficients(condition: Expr, then: Terms, otherwise: Terms) -> Terms:
    first = {term.product: term.coefficient for term in then}
    second = {term.product: term.coefficient for term in otherwise}
    return [
        Term(choose(condition, first.get(product, ZERO), second.get(product, ZERO)), *product)
        for product in dict.fromkeys([*first, *second])
    ]


def _within(condition: Expr, then: Terms, otherwise: Terms, mine: str, other: str) -> Terms:
    """A choice within one side of each term. Terms that agree in the rest, but for a number, are one."""
    first, second = _by_rest(then, mine, other), _by_rest(otherwise, mine, other)
    found = []
    for key in dict.fromkeys([*first, *second]):
        left, right = first.get(key, ZERO), second.get(key, ZERO)
        if left == right:
            value = left
        elif derived(left) or derived(right) or derived(key[1]):
            raise NoProductError(
                "a condition on the message stands before a gradient, which the receiver decides",
                "let the condition tell of the neuron only",
            )
        else:
            _check_excluded(key, key in first and key in second)
            value = _simplified(condition, left, right)
        found.append(Term(key[0], **{mine: value, other: key[1]}))
    return summed(found)


def _by_rest(terms: Terms, mine: str, other: str) -> dict[tuple[Expr, Expr], Expr]:
    """One side of each term, by its coefficient and the other side; numbers in the coefficient belong to the one."""
    found: dict[tuple[Expr, Expr], Expr] = {}
    for term in _live(terms):
        value = getattr(term, mine)
        number, rest = (ONE, term.coefficient) if derived(value) else _number_and_rest(term.coefficient)
        key = rest, getattr(term, other)
        if key in found:
            raise NoProductError("a condition on the message chooses between several sums", "write one loop for each")
        found[key] = multiply(number, value)
    return found


def _number_and_rest(coefficient: Expr) -> tuple[Const, Expr]:
    """A coefficient as a number times what is none."""
    match coefficient:
        case Const():
            return coefficient, ONE
        case Unary("-", operand):
            number, rest = _number_and_rest(operand)
            return Const(-number.value), rest
        case Binary("*", left, right):
            (one, first), (two, second) = _number_and_rest(left), _number_and_rest(right)
            return Const(one.value * two.value), multiply(first, second)
    return ONE, coefficient


def _live(terms: Terms) -> Terms:
    return [term for term in terms if not is_zero(term.coefficient)]


def _check_excluded(rest: tuple[Expr, Expr], in_both: bool) -> None:
    if in_both:
        return
    for part in rest:
        if not always_a_number(part):
            raise NoProductError(
                f"a condition on the message excludes {part}, which may have no value there",
                "multiply or divide by it after the loop, or make sure of its value in the condition",
            )


def _simplified(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """A choice by ``m.is_bias`` is none where the value for the bias's message (input 1, sender -1) is the same."""
    match condition:
        case Field("is_bias") if rewrite(otherwise, _of_bias) == then:
            return otherwise
        case Unary("not", Field("is_bias")) if rewrite(then, _of_bias) == otherwise:
            return then
    return choose(condition, then, otherwise)


def _of_bias(expression: Expr) -> Expr:
    match expression:
        case Field("input"):
            return ONE
        case Field("sender"):
            return Const(-1)
        case Field("is_bias"):
            return Const(True)
    return expression
