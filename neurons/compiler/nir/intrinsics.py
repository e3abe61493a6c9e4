"""The functions of Python, `math` and NumPy that a neuron may call on scalars, and how a kernel spells each.

The template's placeholders are the arguments, already of the type that the entry asks for. Results of float functions
are float32. What `mathematics` has is computed in SIMD lanes, the rest of `math` is a call of the C library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .expressions import Binary, Call, Const, Expr, Select, Type, Unary


@dataclass(frozen=True)
class Intrinsic:
    """One function: its spelling, the number of arguments (least, most) and the type of its result.

    `result` None means: the greatest type among the arguments.
    """

    template: str
    least: int = 1
    most: int = 1
    result: Type | None = Type.FLOAT

    @property
    def numbers(self) -> str:
        """How many arguments it takes, in words."""
        if self.least == self.most:
            return "one number" if self.most == 1 else f"{self.most} numbers"
        return f"{self.least} to {self.most} numbers"


_IN_LANES = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf",
)  # fmt: skip
_CALLED = (
    "sqrt", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erfc", "gamma", "lgamma", "fabs", "degrees", "radians",
)  # fmt: skip
_NUMPY_SAME = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sign",
    "isnan", "isinf", "isfinite", "abs",
)  # fmt: skip

INTRINSICS: dict[str, Intrinsic] = {
    **{name: Intrinsic(f"mathematics.{name}({{0}})") for name in _IN_LANES},
    **{name: Intrinsic(f"math.{name}({{0}})") for name in _CALLED},
    "atan2": Intrinsic("math.atan2({0}, {1})", 2, 2),
    "hypot": Intrinsic("math.hypot({0}, {1})", 2, 2),
    "copysign": Intrinsic("math.copysign({0}, {1})", 2, 2),
    "fmod": Intrinsic("np.fmod({0}, {1})", 2, 2),
    "pow": Intrinsic("({0} ** {1})", 2, 2),
    "sign": Intrinsic("np.sign({0})"),
    "floor": Intrinsic("int64(math.floor({0}))", result=Type.INT),
    "ceil": Intrinsic("int64(math.ceil({0}))", result=Type.INT),
    "trunc": Intrinsic("int64({0})", result=Type.INT),
    "round": Intrinsic("int64(np.rint({0}))", result=Type.INT),
    "isnan": Intrinsic("math.isnan({0})", result=Type.BOOL),
    "isinf": Intrinsic("math.isinf({0})", result=Type.BOOL),
    "isfinite": Intrinsic("math.isfinite({0})", result=Type.BOOL),
    "abs": Intrinsic("abs({0})", result=None),
    "min": Intrinsic("min", 2, 8, None),
    "max": Intrinsic("max", 2, 8, None),
    "float": Intrinsic("{0}"),
    "bool": Intrinsic("({0} != 0)", result=Type.BOOL),
}

_NUMPY_RENAMED = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arctan2": "atan2",
    "absolute": "abs",
    "fabs": "fabs",
    "maximum": "max",
    "minimum": "min",
    "power": "pow",
    "hypot": "hypot",
    "copysign": "copysign",
    "fmod": "fmod",
    "float32": "float",
    "float64": "float",
}


def _known() -> dict[int, tuple[Callable[..., Any], str]]:
    """Function object (by identity) → name in INTRINSICS."""
    pairs: list[tuple[Callable[..., Any], str]] = [
        (abs, "abs"), (min, "min"), (max, "max"), (float, "float"), (int, "trunc"), (bool, "bool"), (round, "round"),
        (pow, "pow"), (math.trunc, "trunc"),
    ]  # fmt: skip
    for name in INTRINSICS:
        if hasattr(math, name):
            pairs.append((getattr(math, name), name))
    pairs += [(getattr(np, name), name) for name in _NUMPY_SAME]
    pairs += [(getattr(np, theirs), ours) for theirs, ours in _NUMPY_RENAMED.items()]
    return {id(function): (function, name) for function, name in pairs}


_KNOWN = _known()


#: NumPy functions of scalars that are no calls in the NIR: number of arguments, and what they mean.
_MEANINGS: dict[int, tuple[int, Callable[..., Expr]]] = {
    id(np.where): (3, Select),
    id(np.clip): (3, lambda x, low, high: Call("min", (Call("max", (x, low)), high))),
    id(np.square): (1, lambda x: Binary("**", x, Const(2))),
    id(np.negative): (1, lambda x: Unary("-", x)),
    id(np.logical_not): (1, lambda x: Unary("not", x)),
    id(np.logical_and): (2, lambda x, y: Binary("and", Call("bool", (x,)), Call("bool", (y,)))),
    id(np.logical_or): (2, lambda x, y: Binary("or", Call("bool", (x,)), Call("bool", (y,)))),
    id(np.add): (2, lambda x, y: Binary("+", x, y)),
    id(np.subtract): (2, lambda x, y: Binary("-", x, y)),
    id(np.multiply): (2, lambda x, y: Binary("*", x, y)),
    id(np.divide): (2, lambda x, y: Binary("/", x, y)),
}


def meaning(function: object) -> tuple[int, Callable[..., Expr]] | None:
    """What a NumPy function of scalars means in the NIR, with its number of arguments; None where it is no such."""
    return _MEANINGS.get(id(function))


def intrinsic_name(function: object) -> str | None:
    """The name in INTRINSICS of a Python, math or NumPy function; None where there is none."""
    entry = _KNOWN.get(id(function))
    return entry[1] if entry else None
