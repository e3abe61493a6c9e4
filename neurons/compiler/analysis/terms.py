"""An expression within a message loop as Σ coefficient · left · right, by algebra and not by spelling.

Left is made of what differs between examples, right of what differs between neurons (see `sides`); coefficients do not
depend on the message. ``-(self.learning_rate * m.delta) * self.output + self.momentum * m.prev_weight`` becomes
``-learning_rate * output · m.delta · 1`` and ``momentum · 1 · m.prev_weight``.

What is made of one side only is never taken apart further than to its factors: ``(m.input - 0.5) ** 2`` is a left.

**No digits are lost.** A product of two sums is not expanded, nor a power of one: ``(m.input - m.weight) ** 2`` as
Σ input² − 2 Σ input · weight + Σ weight² would leave rounding errors where the terms cancel. A single factor is
distributed over a sum, since then every term is one that the user's own sum has.
"""

from __future__ import annotations

from dataclasses import replace

from ..nir.algebra import depends_on_message, divide, is_zero, multiply, negate, power
from ..nir.expressions import ONE, ZERO, Binary, Const, Expr, Field, Select, Unary
from .choices import chosen
from .guards import scaled, within_choices
from .products import Term, Terms, derived, summed
from .reports import NoProductError
from .sides import DERIVED, Sides, sides


def expand(expression: Expr) -> Terms:
    """The terms of an expression, no two of them with the same product.

    Raises:
        NoProductError: it has none.
    """
    return [_placed(term) for term in _expand(expression) if not is_zero(term.coefficient)]


def _placed(term: Term) -> Term:
    """What both sides know goes to where there are weights already: the sum is then one of columns."""
    left, right = sides(term.left), sides(term.right)
    if term.left != ONE and left is Sides.NONE and right is Sides.RIGHT:
        return Term(term.coefficient, ONE, scaled(term.left, term.right))
    return term


def _expand(expression: Expr) -> Terms:
    if not depends_on_message(expression):
        return [Term(expression)]
    if isinstance(expression, Field) and expression.name in DERIVED:
        return [Term(ONE, expression)]
    whole = _one_sided(expression)
    if whole is None:
        return _taken_apart(expression)
    # Only to find coefficients: what is made of one side stays one factor.
    if isinstance(expression, (Unary, Binary)) and getattr(expression, "op", "") in ("-", "+", "*", "/", "**"):
        try:
            terms = _taken_apart(expression)
        except NoProductError:
            return [whole]
        return terms if len(terms) == 1 else [whole]
    return [whole]


def _one_sided(expression: Expr) -> Term | None:
    found = sides(expression)
    if not found & ~Sides.LEFT:
        return Term(ONE, expression, ONE)
    return None if found & ~Sides.RIGHT else Term(ONE, ONE, expression)


def _taken_apart(expression: Expr) -> Terms:
    match expression:
        case Unary("-", operand):
            return [replace(term, coefficient=within_choices(term.coefficient, negate)) for term in _expand(operand)]
        case Binary("+", left, right):
            return summed(_expand(left) + _expand(right))
        case Binary("-", left, right):
            return summed(_expand(left) + _taken_apart(Unary("-", right)))
        case Binary("*", left, right):
            return _multiplied(_expand(left), _expand(right), expression)
        case Binary("/", left, right):
            return _divided(_expand(left), _expand(right), expression)
        case Binary("**", left, Const(int() as exponent)) if exponent > 0:
            (term,) = _single(_expand(left), expression)
            return [Term(*(power(part, exponent) for part in (term.coefficient, term.left, term.right)))]
        case Binary("and", left, right):
            return _taken_apart(Select(left, right, ZERO))
        case Binary("or", left, right):
            return _taken_apart(Select(left, left, right))
        case Select(condition, then, otherwise):
            return chosen(condition, _expand(then), _expand(otherwise))
    raise NoProductError(
        f"{expression} is no product of what differs between examples and what differs between neurons",
        "make it a sum of terms f(m.input) * g(m.weight) times what does not depend on the message"
        if not sides(expression) & Sides.METHOD
        else "apply functions to a message's own values only; what the method computed may multiply them",
    )


def _single(terms: Terms, expression: Expr) -> Terms:
    if len(terms) == 1:
        return terms
    raise NoProductError(
        f"{expression} multiplies sums, which would lose digits as a sum of products",
        "keep the loop where its terms may cancel; else write the product out, term by term",
    )


def _multiplied(first: Terms, second: Terms, expression: Expr) -> Terms:
    if len(first) > 1 and len(second) > 1:
        _single(first, expression)
    found = [_times(one, two, expression) for one in first for two in second]
    return summed(found)


def _times(one: Term, two: Term, expression: Expr) -> Term:
    for mine, other in ((one, two), (two, one)):
        if derived(mine.left) and other.product != (ONE, ONE):
            raise NoProductError(
                f"{expression} multiplies {mine.left}, which the receiver decides, by what differs between messages",
                "multiply the gradient by what does not depend on the message only",
            )
    coefficient = scaled(one.coefficient, two.coefficient)
    return Term(coefficient, multiply(one.left, two.left), multiply(one.right, two.right))


def _divided(terms: Terms, divisor: Terms, expression: Expr) -> Terms:
    (by,) = _single(divisor, expression)
    if by.product != (ONE, ONE) and any(derived(term.left) or derived(by.left) for term in terms):
        raise NoProductError(
            f"{expression} divides a gradient, which the receiver decides, by what differs between messages"
        )
    return [
        Term(
            within_choices(term.coefficient, lambda value: divide(value, by.coefficient)),
            divide(term.left, by.left),
            divide(term.right, by.right),
        )
        for term in terms
    ]
