"""Whole numbers and truth values as compiled code has them, where Python or NumPy would have others.

A whole number has 64 bits and wraps around; a division by zero is NumPy's: infinite, or 0 where the result is whole;
a comparison gives Python's truth value and not NumPy's, which cannot be added or negated. `rewriting` puts these in.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.nir.literals import whole_power, wrapped
from .numbers import Numbers


def truth(value: Any) -> Any:
    """What a comparison gave."""
    return bool(value) if isinstance(value, np.bool_) else value


def _wrapping(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: wrapped(operation(left, right))


def _whole_quotient(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def divided(left: Any, right: Any) -> Any:
        whole = isinstance(left, int) and isinstance(right, int)
        return 0 if whole and right == 0 else wrapped(operation(left, right))

    return divided


def operators(numbers: Numbers) -> dict[str, Callable[[Any, Any], Any]]:
    """Python's name of an operator → the operator, whose floats are of this precision."""

    def quotient(left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            return numbers.real(left) / numbers.real(right)
        return left / right

    def power(left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            return whole_power(left, right) if right >= 0 else numbers.real(left) ** numbers.real(right)
        return (numbers.real(left) if isinstance(left, (int, float)) else left) ** right

    return {**_WHOLE, "Div": quotient, "Pow": power}


_WHOLE: dict[str, Callable[[Any, Any], Any]] = {
    "Add": _wrapping(operator.add),
    "Sub": _wrapping(operator.sub),
    "Mult": _wrapping(operator.mul),
    "FloorDiv": _whole_quotient(operator.floordiv),
    "Mod": _whole_quotient(operator.mod),
}
#: The names.
OPERATORS = frozenset({*_WHOLE, "Div", "Pow"})
