"""An expression within a message loop as Σ coefficient · left · right, by algebra and not by spelling.

Left is made of what differs between examples, right of what differs between neurons (see `sides`); coefficients do not
depend on the message. ``-(self.learning_rate * m.delta) * self.output + self.momentum * m.prev_weight`` becomes
``-learning_rate * output · m.delta · 1`` and ``momentum · 1 · m.prev_weight``.

What is made of one side only is never taken apart further than to its factors: ``(m.input - 0.5) ** 2`` is a left.

**No digits are lost.** A product of two sums is not expanded, nor a power of one: ``(m.input - m.weight) ** 2`` as
Σ input² − 2 Σ input · weight + Σ weight² would leave rounding errors where the terms cancel. A single factor is
distributed over a sum, since then every term is one that the user's own sum has.

**A guard excludes what it excludes.** A condition on one side goes into that side, as a choice between the value and
0, and only if the other factors are numbers whatever they are computed from: 0 · ∞ must not enter the sum. A condition
without a message goes around the coefficient. Message fields themselves are taken to be finite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..nir.algebra import add, depends_on_message, divide, is_zero, multiply, negate, power
from ..nir.expressions import ONE, ZERO, Binary, Const, Expr, Field, Select, Unary
from ..nir.prune import rewrite
from .guards import choose, scaled, within_choices
from .reports import NoProductError
from .sides import DERIVED, Sides, always_a_number, sides


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
            return _summed(_expand(left) + _expand(right))
        case Binary("-", left, right):
            return _summed(_expand(left) + _taken_apart(Unary("-", right)))
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
            return _chosen(condition, _expand(then), _expand(otherwise))
    raise NoProductError(
        f"{expression} is no product of what differs between examples and what differs between neurons",
        "make it a sum of terms f(m.input) * g(m.weight) times what does not depend on the message"
        if not sides(expression) & Sides.METHOD
        else "apply functions to a message's own values only; what the method computed may multiply them",
    )


def _summed(terms: Terms) -> Terms:
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
            found[key] = add(found[key], value) if key in found and not _derived(value) else value
            if _derived(value):
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
    return _summed(found)


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


def _derived(value: Expr) -> bool:
    return isinstance(value, Field) and value.name in DERIVED


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
    return _summed(found)


def _times(one: Term, two: Term, expression: Expr) -> Term:
    for mine, other in ((one, two), (two, one)):
        if _derived(mine.left) and other.product != (ONE, ONE):
            raise NoProductError(
                f"{expression} multiplies {mine.left}, which the receiver decides, by what differs between messages",
                "multiply the gradient by what does not depend on the message only",
            )
    coefficient = scaled(one.coefficient, two.coefficient)
    return Term(coefficient, multiply(one.left, two.left), multiply(one.right, two.right))


def _divided(terms: Terms, divisor: Terms, expression: Expr) -> Terms:
    (by,) = _single(divisor, expression)
    if by.product != (ONE, ONE) and any(_derived(term.left) or _derived(by.left) for term in terms):
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


# Guards --------------------------------------------------------------------------------------------------------------


def _chosen(condition: Expr, then: Terms, otherwise: Terms) -> Terms:
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
            return _chosen(operand, otherwise, then)
        case Binary("and", first, second):
            return _chosen(first, _chosen(second, then, otherwise), otherwise)
        case Binary("or", first, second):
            return _chosen(first, then, _chosen(second, then, otherwise))
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
        elif _derived(left) or _derived(right) or _derived(key[1]):
            raise NoProductError(
                "a condition on the message stands before a gradient, which the receiver decides",
                "let the condition tell of the neuron only",
            )
        else:
            _check_excluded(key, key in first and key in second)
            value = _simplified(condition, left, right)
        found.append(Term(key[0], **{mine: value, other: key[1]}))
    return _summed(found)


def _by_rest(terms: Terms, mine: str, other: str) -> dict[tuple[Expr, Expr], Expr]:
    """One side of each term, by its coefficient and the other side; numbers in the coefficient belong to the one."""
    found: dict[tuple[Expr, Expr], Expr] = {}
    for term in _live(terms):
        value = getattr(term, mine)
        number, rest = (ONE, term.coefficient) if _derived(value) else _number_and_rest(term.coefficient)
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
