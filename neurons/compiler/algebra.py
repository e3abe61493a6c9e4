"""Sums of products: an expression expanded over the fields of the message, by algebra and not by spelling.

`expand` writes an expression as Σ coefficient · product of message fields, where the coefficients do not depend on the
message. ``-(self.learning_rate * m.delta) * self.output + self.momentum * m.prev_weight`` becomes
``{(delta,): -learning_rate * output, (prev_weight,): momentum}``.
"""

from __future__ import annotations

from .nir import (
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
    SynapseField,
    Type,
    Unary,
)
from .trees import subexpressions

#: A polynomial in the message's fields: (sorted field names) → coefficient.
Polynomial = dict[tuple[str, ...], Expr]


def depends_on_message(expression: Expr) -> bool:
    """True where the value differs between messages. Locals count as the same for all: substitute them first."""
    return any(isinstance(part, (Field, SynapseField)) for part in subexpressions(expression))


def axes(expression: Expr, of_locals: dict[str, Axes]) -> Axes:
    """What a value varies over, given that of the locals."""
    found = Axes.NONE
    for part in subexpressions(expression):
        match part:
            case Field(name):
                found |= FIELDS[name][1]
            case Local(name):
                found |= of_locals.get(name, Axes.NEURON | Axes.EXAMPLE)
            case SynapseField():
                found |= Axes.NEURON | Axes.EXAMPLE | Axes.MESSAGE
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
        return Const(left.value + right.value)
    if isinstance(left, Const) and left.value == 0:
        return right
    if isinstance(right, Const) and right.value == 0:
        return left
    return Binary("+", left, right)


def multiply(left: Expr, right: Expr) -> Expr:
    """left · right, simplified where one is a constant 1, or both are constants."""
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(left.value * right.value)
    if isinstance(left, Const) and left.value == 1:
        return right
    if isinstance(right, Const) and right.value == 1:
        return left
    return Binary("*", left, right)


def negate(value: Expr) -> Expr:
    """-value."""
    return Const(-value.value) if isinstance(value, Const) else Unary("-", value)


def expand(expression: Expr) -> Polynomial | None:
    """The expression as a polynomial in the message's fields; None where it is none."""
    if not depends_on_message(expression):
        return {(): expression}
    match expression:
        case Field(name) if FIELDS[name][0] is Type.FLOAT:
            return {(name,): Const(1.0)}
        case Unary("-", operand):
            inner = expand(operand)
            return None if inner is None else {key: negate(value) for key, value in inner.items()}
        case Binary("+", left, right):
            return _sum(expand(left), expand(right))
        case Binary("-", left, right):
            return _sum(expand(left), expand(Unary("-", right)))
        case Binary("*", left, right):
            return _product(expand(left), expand(right))
        case Binary("/", left, right) if not depends_on_message(right):
            inner = expand(left)
            return None if inner is None else {key: Binary("/", value, right) for key, value in inner.items()}
        case Binary("**", left, Const(2)):
            return _product(expand(left), expand(left))
        case _:
            return None


def _sum(left: Polynomial | None, right: Polynomial | None) -> Polynomial | None:
    if left is None or right is None:
        return None
    total = dict(left)
    for key, value in right.items():
        total[key] = add(total[key], value) if key in total else value
    return total


def _product(left: Polynomial | None, right: Polynomial | None) -> Polynomial | None:
    if left is None or right is None:
        return None
    total: Polynomial = {}
    for left_key, left_value in left.items():
        for right_key, right_value in right.items():
            key = tuple(sorted(left_key + right_key))
            value = multiply(left_value, right_value)
            total[key] = add(total[key], value) if key in total else value
    return total


def factors(expression: Expr) -> list[Expr]:
    """The factors of a product, signs as factors of their own."""
    match expression:
        case Binary("*", left, right):
            return factors(left) + factors(right)
        case Unary("-", operand):
            return [Const(-1.0), *factors(operand)]
        case _:
            return [expression]


def product(values: list[Expr]) -> Expr:
    """The product of values; 1 for none."""
    result: Expr = Const(1.0)
    for value in values:
        result = multiply(result, value)
    return result
