"""Arithmetic on expressions: what they vary over, and sums and products simplified where that is plain."""

from __future__ import annotations

from collections.abc import Mapping

from .expressions import (
    FIELDS,
    Axes,
    Binary,
    Const,
    Count,
    Draw,
    Expr,
    Field,
    Gemm,
    Index,
    Local,
    Output,
    Slope,
    Stored,
    SynapseDraw,
    SynapseField,
    Unary,
)
from .literals import wrapped
from .trees import subexpressions


def depends_on_message(expression: Expr) -> bool:
    """True where the value differs between messages. Locals count as the same for all: substitute them first."""
    return any(isinstance(part, (Field, SynapseDraw, SynapseField)) for part in subexpressions(expression))


def axes(expression: Expr, of_locals: Mapping[str, Axes]) -> Axes:
    """What a value varies over, given that of the locals; a local that is not given varies over all but messages."""
    found = Axes.NONE
    for part in subexpressions(expression):
        match part:
            case Field(name):
                found |= FIELDS[name][1]
            case Local(name):
                found |= of_locals.get(name, Axes.NEURON | Axes.EXAMPLE)
            case SynapseField():
                found |= Axes.NEURON | Axes.EXAMPLE | Axes.MESSAGE
            case SynapseDraw():
                found |= Axes.NEURON | Axes.MESSAGE
            case Stored():
                found |= Axes.NEURON
            case Index() | Count():
                # The number of messages is one for the layer, but nobody outside of its kernels knows it.
                found |= Axes.NEURON
            case Output() | Slope() | Gemm() | Draw():
                found |= Axes.NEURON | Axes.EXAMPLE
            case _:
                pass
    return found


def add(left: Expr, right: Expr) -> Expr:
    """left + right, simplified where one is a constant 0, or both are constants."""
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(wrapped(left.value + right.value))
    if isinstance(left, Const) and left.value == 0:
        return right
    if isinstance(right, Const) and right.value == 0:
        return left
    return Binary("+", left, right)


def multiply(left: Expr, right: Expr) -> Expr:
    """left · right, simplified where one is a constant 1, or both are constants."""
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(wrapped(left.value * right.value))
    if isinstance(left, Const) and left.value == 1:
        return right
    if isinstance(right, Const) and right.value == 1:
        return left
    return Binary("*", left, right)


def divide(left: Expr, right: Expr) -> Expr:
    """left / right, simplified where the divisor is a constant 1."""
    return left if isinstance(right, Const) and right.value == 1 else Binary("/", left, right)


def power(base: Expr, exponent: int) -> Expr:
    """base ** exponent, simplified where the base is a constant 1, or the exponent."""
    if exponent == 1 or (isinstance(base, Const) and base.value == 1):
        return base
    return Binary("**", base, Const(exponent))


def negate(value: Expr) -> Expr:
    """-value."""
    return Const(wrapped(-value.value)) if isinstance(value, Const) else Unary("-", value)


def is_zero(value: Expr) -> bool:
    """True for the constant 0."""
    return isinstance(value, Const) and value.value == 0
