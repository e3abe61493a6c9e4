"""What the receivers decide: the gradients that their `forward` gives a message, put into their senders' `backward`.

An analysis leaves ``m.input_gradient`` and ``m.weight_gradient`` as they stand: a sum ``Gemm(m.input_gradient, 1)``, a
push ``PushFactor(A, m.weight_gradient, 1)``. Where the receivers are known, so are both.
"""

from __future__ import annotations

from .algebra import multiply
from .nir import ONE, Body, Expr, Field, Gemm, Output, PushFactor, Stmt
from .prune import rewrite_body
from .trees import bodies, with_bodies

_DELTA, _WEIGHT = Field("delta"), Field("weight")


def before_weighted_sums(body: Body) -> Body:
    """`backward` of a layer whose receivers compute Σ input · weight.

    input_gradient = delta · weight, weight_gradient = output · delta.

    Args:
        body: `backward`, its loops hoisted; those that stay loops name the gradients still.
    """
    return _pushes(rewrite_body(body, _sums))


def _sums(expression: Expr) -> Expr:
    return Gemm(_DELTA, _WEIGHT) if expression == Gemm(Field("input_gradient"), ONE) else expression


def _pushes(body: Body) -> Body:
    result: list[Stmt] = []
    for statement in body:
        match statement:
            case PushFactor(value, Field("weight_gradient")):
                result.append(PushFactor(multiply(value, Output()), _DELTA, where=statement.where))
            case PushFactor(value, Field("input_gradient")):
                result.append(PushFactor(value, _DELTA, _WEIGHT, where=statement.where))
            case _:
                inner = tuple(_pushes(nested) for nested in bodies(statement))
                result.append(with_bodies(statement, inner) if inner else statement)
    return tuple(result)
