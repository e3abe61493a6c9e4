"""Whole numbers that are known before a run: what is written out, and what wraps around at 64 bits."""

from __future__ import annotations

import ast
import math
from typing import Any

_HALF, _ALL = 1 << 63, 1 << 64
#: Powers with larger exponents are left to the run.
_EXPONENTS = range(1000)


def wrapped(value: Any) -> Any:
    """A whole number in 64 bits; anything else as it is."""
    if type(value) is not int or -_HALF <= value < _HALF:
        return value
    return (value + _HALF) % _ALL - _HALF


def whole_power(base: int, exponent: int) -> int:
    """base ** exponent in 64 bits, for an exponent of at least 0."""
    return int(wrapped(pow(base, exponent, _ALL)))


def literal(node: ast.AST) -> int | float | None:
    """Arithmetic on whole numbers that are written out, as ``2**64 // 3``, in Python's numbers of any size.

    Args:
        node: an expression.

    Returns:
        its value, a float where it has more than 64 bits; None for all other expressions.
    """
    value = _value(node)
    if value is None or -_HALF <= value < _HALF:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _value(node: ast.AST) -> int | None:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            negated = _value(operand)
            return None if negated is None else -negated
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _value(left), _value(right)
            return None if first is None or second is None else _operation(op, first, second)
    return None


def _operation(op: ast.operator, left: int, right: int) -> int | None:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Pow() if right in _EXPONENTS:
            return int(left**right)
        case ast.FloorDiv() if right:
            return left // right
        case ast.Mod() if right:
            return left % right
    return None
