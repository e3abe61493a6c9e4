"""Python's `math` in the network's precision, by the rules of IEEE 754.

Where Python raises, there is an infinity or not a number. So it is in compiled code, which has nobody to raise to:
``exp(1000)`` is infinite, ``log(-1)`` is no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from types import BuiltinFunctionType, SimpleNamespace
from typing import Any

import numpy as np

from .numbers import Numbers

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


def _without_raising(name: str, function: Callable[..., Any], numbers: Numbers) -> Callable[..., Any]:
    twin = getattr(np, _RENAMED.get(name, name), None)

    @wraps(function)
    def computed(*arguments: Any) -> Any:
        try:
            return numbers.rounded(function(*arguments))
        except (OverflowError, ValueError):
            if twin is None:  # gamma and lgamma, at their poles
                return numbers.real(math.inf)
            return numbers.real(twin(*(np.float64(argument) for argument in arguments)))

    return computed


def _copied(name: str, member: object, numbers: Numbers) -> object:
    if name == "trunc":
        return lambda number: math.trunc(float(number))  # which NumPy's numbers do not have
    # What gives integers has no infinity to give: there Python's error stays.
    if isinstance(member, BuiltinFunctionType) and name not in ("floor", "ceil", "trunc"):
        return _without_raising(name, member, numbers)
    return numbers.rounded(member)


@lru_cache
def ieee_math(numbers: Numbers) -> SimpleNamespace:
    """What stands in for the module `math`."""
    return SimpleNamespace(**{name: _copied(name, member, numbers) for name, member in vars(math).items()})


@lru_cache
def ieee_functions(numbers: Numbers) -> dict[object, object]:
    """What stands in for a function that was imported from it, by the function."""
    copies = vars(ieee_math(numbers))
    return {member: copies[name] for name, member in vars(math).items() if isinstance(member, BuiltinFunctionType)}
