"""The value of an expression that is one number for the whole layer: rates, momenta, hyperparameters."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import NeuronError
from .expressions import Binary, Call, Const, Element, Expr, Hyper, Select, Unary, Uniform
from .literals import wrapped
from .trees import subexpressions

#: Binary operators of the NIR, on Python's numbers.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: wrapped(a + b), "-": lambda a, b: wrapped(a - b), "*": lambda a, b: wrapped(a * b),
    "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne, "and": lambda a, b: a and b, "or": lambda a, b: a or b,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "min": min, "max": max, "float": float, "bool": bool, "round": round,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
}  # fmt: skip


def evaluate(expression: Expr, values: Mapping[str, Any]) -> float:
    """The value of a layer-wide expression.

    Args:
        expression: made of constants, hyperparameters and what the training loop sets.
        values: ``learning_rate``, ``momentum``, …, and ``h_x`` for each hyperparameter x, ``c_x`` for each array.

    Raises:
        NeuronError: it has no value (a division by zero, say).
    """
    try:
        return float(_value(expression, values))
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        used = {str(part) for part in subexpressions(expression) if isinstance(part, (Hyper, Uniform))}
        known = {f"self.{name.removeprefix('h_')}": value for name, value in values.items()}
        numbers = ", ".join(f"{name} = {known[name]}" for name in sorted(used))
        raise NeuronError(f"{expression} has no value: {error}; {numbers}") from error


def _value(expression: Expr, values: Mapping[str, Any]) -> Any:
    match expression:
        case Const(value):
            return value
        case Uniform(name):
            return values[name]
        case Element(table, _, indices):
            items: Any = values[f"c_{table}"]
            return items[tuple(int(_value(index, values)) for index in indices)].item()
        case Hyper(name):
            return values[f"h_{name}"]
        case Unary(op, operand):
            inner = _value(operand, values)
            return -inner if op == "-" else not inner
        case Binary(op, left, right):
            return OPERATORS[op](_value(left, values), _value(right, values))
        case Select(condition, then, otherwise):
            return _value(then if _value(condition, values) else otherwise, values)
        case Call(function, arguments):
            known = _FUNCTIONS.get(function) or getattr(math, function)
            return known(*(_value(argument, values) for argument in arguments))
    raise AssertionError(f"{expression} differs between neurons")
