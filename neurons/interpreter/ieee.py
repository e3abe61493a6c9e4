"""Python's `math` in float32, by the rules of IEEE 754: where Python raises, there is an infinity or not a number.

So it is in compiled code, which has nobody to raise to: ``exp(1000)`` is infinite, ``log(-1)`` is no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from types import BuiltinFunctionType, SimpleNamespace
from typing import Any

import numpy as np

from .numbers import float32, rounded

#: NumPy's names where they differ. NumPy's functions do not raise.
_RENAMED = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "pow": "power",
}


def _without_raising(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    twin = getattr(np, _RENAMED.get(name, name), None)

    @wraps(function)
    def computed(*arguments: Any) -> Any:
        try:
            return rounded(function(*arguments))
        except (OverflowError, ValueError):
            if twin is None:  # gamma and lgamma, at their poles
                return float32(math.inf)
            return float32(twin(*(np.float64(argument) for argument in arguments)))

    return computed


def _in_float32(name: str, member: object) -> object:
    # What gives integers has no infinity to give: there Python's error stays.
    if isinstance(member, BuiltinFunctionType) and name not in ("floor", "ceil", "trunc"):
        return _without_raising(name, member)
    return rounded(member)


#: Stands in for the module `math`.
MATH = SimpleNamespace(**{name: _in_float32(name, member) for name, member in vars(math).items()})
#: Stands in for a function that was imported from it, by the function.
FUNCTIONS = {member: vars(MATH)[name] for name, member in vars(math).items() if isinstance(member, BuiltinFunctionType)}
