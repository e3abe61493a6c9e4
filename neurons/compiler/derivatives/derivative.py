"""Symbolic partial derivatives of expressions.

What a program does at a kink, the derivative does, too: of a `Select` that of the branch taken, of ``max`` that of the
argument that Python takes, of ``abs`` the sign. What is constant but for steps (comparisons, ``floor``, ``sign``) has
the derivative 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..nir.algebra import add, multiply, negate
from ..nir.expressions import ZERO, Binary, Call, Const, Expr, Select, Unary
from ..nir.trees import subexpressions

_ONE = Const(1.0)


def derivative(expression: Expr, variable: Expr) -> Expr:
    """∂expression/∂variable; `ZERO` where it does not depend on it, or only in steps.

    Args:
        expression: any but a random draw.
        variable: a `Local` or a `Field`.
    """
    if expression == variable:
        return _ONE
    if variable not in subexpressions(expression):
        return ZERO
    match expression:
        case Unary("-", operand):
            return _negated(derivative(operand, variable))
        case Binary(op, left, right):
            return _binary(op, left, right, derivative(left, variable), derivative(right, variable))
        case Select(condition, then, otherwise):
            return choose(condition, derivative(then, variable), derivative(otherwise, variable))
        case Call(function, arguments) if function in _STEPS:
            return ZERO
        case Call(("min" | "max") as function, arguments):
            return _extreme(function, arguments, variable)
        case Call(function, arguments):
            total: Expr = ZERO
            for argument, partial in zip(arguments, _PARTIALS[function](*arguments), strict=True):
                total = add(total, times(partial, derivative(argument, variable)))
            return total
    return ZERO


def times(left: Expr, right: Expr) -> Expr:
    """left · right, where a constant 0 means: does not depend, whatever the other factor is."""
    return ZERO if ZERO in (left, right) else multiply(left, right)


def choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """``then if condition else otherwise``, simplified where both are the same."""
    return then if then == otherwise else Select(condition, then, otherwise)


def _negated(value: Expr) -> Expr:
    return ZERO if value == ZERO else negate(value)


def _over(left: Expr, right: Expr) -> Expr:
    return ZERO if left == ZERO else Binary("/", left, right)


def _binary(op: str, left: Expr, right: Expr, left_slope: Expr, right_slope: Expr) -> Expr:
    match op:
        case "+":
            return add(left_slope, right_slope)
        case "-":
            return add(left_slope, _negated(right_slope))
        case "*" if left == right:
            return times(multiply(Const(2.0), left), left_slope)
        case "*":
            return add(times(left_slope, right), times(left, right_slope))
        case "/":
            return add(_over(left_slope, right), _negated(_over(times(left, right_slope), Binary("*", right, right))))
        case "%":
            return add(left_slope, _negated(times(Binary("//", left, right), right_slope)))
        case "**":
            of_base, of_exponent = _power(left, right)
            return add(times(of_base, left_slope), times(of_exponent, right_slope))
        case "and":
            return choose(left, right_slope, left_slope)
        case "or":
            return choose(left, left_slope, right_slope)
    return ZERO


def _power(base: Expr, exponent: Expr) -> tuple[Expr, Expr]:
    power = Binary("**", base, exponent)
    match exponent:
        case Const(value) if value == 1:
            of_base: Expr = _ONE
        case Const(value) if value == 2:
            of_base = multiply(Const(2.0), base)
        case Const(value):
            of_base = multiply(exponent, Binary("**", base, Const(value - 1)))
        case _:
            of_base = multiply(exponent, Binary("**", base, Binary("-", exponent, Const(1))))
    return of_base, multiply(power, Call("log", (base,)))


def _extreme(function: str, arguments: tuple[Expr, ...], variable: Expr) -> Expr:
    best, slope = arguments[0], derivative(arguments[0], variable)
    for argument in arguments[1:]:
        # The first of equals, as in Python.
        better = Binary(">" if function == "max" else "<", argument, best)
        slope = choose(better, derivative(argument, variable), slope)
        best = Call(function, (best, argument))
    return slope


def _of_one(build: Callable[[Expr], Expr]) -> Callable[..., tuple[Expr, ...]]:
    return lambda x: (build(x),)


def _reciprocal(value: Expr) -> Expr:
    return Binary("/", _ONE, value)


def _square(value: Expr) -> Expr:
    return Binary("*", value, value)


def _of(function: str, *arguments: Expr) -> Expr:
    return Call(function, arguments)


def _plus(left: Expr, right: Expr) -> Expr:
    return Binary("+", left, right)


def _minus(left: Expr, right: Expr) -> Expr:
    return Binary("-", left, right)


def _scaled(value: float, x: Expr) -> Expr:
    return multiply(Const(value), x)


def _digamma(x: Expr) -> Expr:
    """ψ(x), by reflection to x ≥ ½, recurrence to x + 6 and its asymptotic series (Abramowitz, Stegun, 6.3)."""
    mirrored = _minus(_positive_digamma(_minus(_ONE, x)), Binary("/", Const(math.pi), _of("tan", _scaled(math.pi, x))))
    return Select(Binary("<", x, Const(0.5)), mirrored, _positive_digamma(x))


def _positive_digamma(x: Expr) -> Expr:
    far = _plus(x, Const(6.0))
    inverse = _reciprocal(_square(far))
    series = multiply(
        inverse, _minus(Const(1 / 12), multiply(inverse, _minus(Const(1 / 120), _scaled(1 / 252, inverse))))
    )
    total = _minus(_minus(_of("log", far), Binary("/", Const(0.5), far)), series)
    for step in range(6):
        total = _minus(total, _reciprocal(_plus(x, Const(float(step)))))
    return total


#: Functions that are constant but for steps.
_STEPS = frozenset({"sign", "floor", "ceil", "round", "isnan", "isinf", "isfinite", "bool", "trunc"})

#: The partial derivatives of a function by its arguments, as functions of them.
_PARTIALS: dict[str, Callable[..., tuple[Expr, ...]]] = {
    "sqrt": _of_one(lambda x: Binary("/", Const(0.5), _of("sqrt", x))),
    "exp": _of_one(lambda x: _of("exp", x)),
    "expm1": _of_one(lambda x: _of("exp", x)),
    "log": _of_one(_reciprocal),
    "log1p": _of_one(lambda x: _reciprocal(_plus(_ONE, x))),
    "log2": _of_one(lambda x: Binary("/", Const(1 / math.log(2)), x)),
    "log10": _of_one(lambda x: Binary("/", Const(1 / math.log(10)), x)),
    "sin": _of_one(lambda x: _of("cos", x)),
    "cos": _of_one(lambda x: negate(_of("sin", x))),
    "tan": _of_one(lambda x: _plus(_ONE, _square(_of("tan", x)))),
    "asin": _of_one(lambda x: _reciprocal(_of("sqrt", _minus(_ONE, _square(x))))),
    "acos": _of_one(lambda x: Binary("/", Const(-1.0), _of("sqrt", _minus(_ONE, _square(x))))),
    "atan": _of_one(lambda x: _reciprocal(_plus(_ONE, _square(x)))),
    "sinh": _of_one(lambda x: _of("cosh", x)),
    "cosh": _of_one(lambda x: _of("sinh", x)),
    "tanh": _of_one(lambda x: _minus(_ONE, _square(_of("tanh", x)))),
    "asinh": _of_one(lambda x: _reciprocal(_of("sqrt", _plus(_ONE, _square(x))))),
    "acosh": _of_one(lambda x: _reciprocal(_of("sqrt", _minus(_square(x), _ONE)))),
    "atanh": _of_one(lambda x: _reciprocal(_minus(_ONE, _square(x)))),
    "erf": _of_one(lambda x: _scaled(2 / math.sqrt(math.pi), _of("exp", negate(_square(x))))),
    "erfc": _of_one(lambda x: _scaled(-2 / math.sqrt(math.pi), _of("exp", negate(_square(x))))),
    "gamma": _of_one(lambda x: multiply(_of("gamma", x), _digamma(x))),
    "lgamma": _of_one(_digamma),
    "fabs": _of_one(lambda x: _of("sign", x)),
    "abs": _of_one(lambda x: _of("sign", x)),
    "float": _of_one(lambda _: _ONE),
    "degrees": _of_one(lambda _: Const(180 / math.pi)),
    "radians": _of_one(lambda _: Const(math.pi / 180)),
    "atan2": lambda y, x: (
        Binary("/", x, _plus(_square(x), _square(y))),
        Binary("/", negate(y), _plus(_square(x), _square(y))),
    ),
    "hypot": lambda x, y: (Binary("/", x, _of("hypot", x, y)), Binary("/", y, _of("hypot", x, y))),
    "copysign": lambda x, y: (multiply(_of("sign", x), _of("copysign", _ONE, y)), ZERO),
    "fmod": lambda x, y: (_ONE, negate(_of("trunc", Binary("/", x, y)))),
    "pow": _power,
}
