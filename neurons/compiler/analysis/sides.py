"""The two sides of a message: what differs between examples, and what differs between neurons.

A matrix product contracts over the messages what varies over (example, message), the left, with what varies over
(neuron, message), the right. In `forward` the left is made of ``m.input``, in `backward` of ``m.delta``; the right is
made of weights and the draws of synapses. ``m.sender``, ``m.receiver`` and ``m.is_bias`` are known to both.
"""

from __future__ import annotations

import enum

from ..capture.tables import certain
from ..nir.expressions import (
    Binary,
    Call,
    Const,
    Count,
    Element,
    Expr,
    Field,
    Hyper,
    Index,
    Select,
    SynapseDraw,
    Unary,
    Uniform,
)
from ..nir.trees import subexpressions

_LEFT = frozenset({"input", "delta"})
_RIGHT = frozenset({"weight", "prev_weight"})
#: Derivatives of the receiver's `forward`: a sum of them is a matrix product if the receiver computes one.
DERIVED = frozenset({"input_gradient", "weight_gradient"})


class Sides(enum.Flag):
    """What a value is made of that a kernel over messages does not have at hand."""

    NONE = 0
    LEFT = enum.auto()
    RIGHT = enum.auto()
    #: What the method computes for one neuron and one example.
    METHOD = enum.auto()


def sides(expression: Expr) -> Sides:
    """What an expression is made of; NONE for what messages, layer and constants tell."""
    found = Sides.NONE
    for part in subexpressions(expression):
        match part:
            case Field(name):
                found |= _side(name)
            case Index() | SynapseDraw():
                found |= Sides.RIGHT
            case Const() | Hyper() | Uniform() | Count() | Unary() | Binary() | Select() | Call():
                pass
            case _:
                found |= Sides.METHOD
    return found


def _side(field: str) -> Sides:
    if field in DERIVED:
        return Sides.LEFT | Sides.RIGHT
    return Sides.LEFT if field in _LEFT else Sides.RIGHT if field in _RIGHT else Sides.NONE


#: Operations whose result is a number wherever their operands are (but for overflow).
_TOTAL_OPERATIONS = {"+", "-", "*", "<", "<=", ">", ">=", "==", "!=", "and", "or"}
_TOTAL_FUNCTIONS = {
    "abs", "fabs", "min", "max", "float", "bool", "sign", "floor", "ceil", "trunc", "round", "sin", "cos", "tanh",
    "atan", "erf", "erfc", "copysign", "hypot", "atan2", "asinh", "isnan", "isinf", "isfinite",
}  # fmt: skip


def always_a_number(expression: Expr) -> bool:
    """True where the value is finite for any finite operands: what a guard excluded can be computed all the same."""
    for part in subexpressions(expression):
        match part:
            case Element(indices=indices):
                if not all(map(certain, indices)):
                    return False
            case Binary("/" | "//" | "%", _, Const(divisor)):
                if divisor == 0:
                    return False
            case Binary("**", _, Const(int() as exponent)):
                if exponent < 0:
                    return False
            case Binary(op):
                if op not in _TOTAL_OPERATIONS:
                    return False
            case Call(function):
                if function not in _TOTAL_FUNCTIONS:
                    return False
            case _:
                pass
    return True
