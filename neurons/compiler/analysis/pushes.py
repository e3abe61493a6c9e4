"""What a layer's pushes come to: the part that depends on no example, and how the rest is formed."""

from __future__ import annotations

from dataclasses import dataclass

from ..nir.algebra import add, axes, multiply, negate
from ..nir.expressions import ONE, ZERO, Binary, Const, Expr, Field, Output, Unary
from ..nir.statements import Body, Push, PushFactor
from ..nir.trees import walk


@dataclass(frozen=True)
class Carry:
    """The part of a push that depends on no example: β·prev_weight + γ·weight."""

    beta: Expr = ZERO
    gamma: Expr = ZERO

    @property
    def empty(self) -> bool:
        return self == Carry()


_PREVIOUS, _WEIGHT = Field("prev_weight"), Field("weight")


def take_carry(backward: Body) -> tuple[Body, Carry]:
    """`backward` without what it pushes of the weight itself, the same for every neuron and example; and that.

    What stands under a condition is averaged over the examples like the rest: not all of them push it.
    """
    beta: Expr = ZERO
    gamma: Expr = ZERO
    rest = []
    for statement in backward:
        match statement:
            case PushFactor(value, left, right) if left == ONE and right == _PREVIOUS and not axes(value, {}):
                beta = add(beta, value)
            case PushFactor(value, left, right) if left == ONE and right == _WEIGHT and not axes(value, {}):
                gamma = add(gamma, value)
            case _:
                rest.append(statement)
    return tuple(rest), Carry(beta, gamma)


def how_formed(backward: Body) -> str:
    """How the rest of the push is formed: "none", "product", "sum" or "loop".

    "product": matrix products only; "sum": products and passes over the weights; "loop": message by message.

    Args:
        backward: `backward` before receivers that are known, its loops hoisted, its carry taken.
    """
    kinds = [statement for statement in walk(backward) if isinstance(statement, (Push, PushFactor))]
    if any(isinstance(statement, Push) for statement in kinds):
        return "loop"
    if not kinds:
        return "none"
    plain = all(
        isinstance(statement, PushFactor) and statement.right == ONE and statement.left != ONE for statement in kinds
    )
    return "product" if plain else "sum"


def scale_of(backward: Body) -> Expr | None:
    """c where all that is pushed is c · output · delta with one number c for the layer: outputs are the factors then.

    Or c · weight_gradient, where the receivers are no weighted sums.

    Args:
        backward: as for `how_formed`.
    """
    factors = [statement for statement in walk(backward) if isinstance(statement, PushFactor)]
    if len(factors) != 1 or factors[0] not in backward or factors[0].right != ONE:
        return None
    value = factors[0].value
    if factors[0].left == Field("weight_gradient"):
        return None if axes(value, {}) else value
    return _coefficient_of_output(value) if factors[0].left == Field("delta") else None


def _coefficient_of_output(value: Expr) -> Expr | None:
    """c where `value` is c · output with one number c for the layer; None where it is not."""
    match value:
        case Output():
            return Const(1.0)
        case Unary("-", operand):
            inner = _coefficient_of_output(operand)
            return None if inner is None else negate(inner)
        case Binary("*", left, right):
            for one, other in ((left, right), (right, left)):
                inner = _coefficient_of_output(one)
                if inner is not None and not axes(other, {}):
                    return multiply(inner, other)
        case Binary("/", left, right):
            inner = _coefficient_of_output(left)
            if inner is not None and not axes(right, {}):
                return Binary("/", inner, right)
        case Binary("+", left, right):
            first, second = _coefficient_of_output(left), _coefficient_of_output(right)
            if first is not None and second is not None:
                return add(first, second)
    return None
