"""What the receivers decide: the gradients that their `forward` gives a message, put into their senders' `backward`.

An analysis leaves ``m.input_gradient`` and ``m.weight_gradient`` as they stand: a sum ``Gemm(m.input_gradient, 1)``, a
push ``PushFactor(A, m.weight_gradient, 1)``. Where the receivers are known, so are both.
"""

from __future__ import annotations

from ...errors import NeuronError
from ..nir.algebra import multiply
from ..nir.expressions import ONE, Expr, Field, Gemm, Output
from ..nir.prune import rewrite_body
from ..nir.statements import Body, MessageLoop, PushFactor, Stmt
from ..nir.trees import all_expressions, bodies, own_expressions, walk, with_bodies

_DELTA, _WEIGHT = Field("delta"), Field("weight")
_GRADIENTS = Field("input_gradient"), Field("weight_gradient")
#: Σ input_gradient.
GRADIENTS = Gemm(Field("input_gradient"), ONE)


def before_weighted_sums(body: Body) -> Body:
    """`backward` of a layer whose receivers compute Σ input · weight.

    input_gradient = delta · weight, weight_gradient = output · delta.

    Args:
        body: `backward`, its loops hoisted; those that stay loops name the gradients still.
    """
    return _pushes(rewrite_body(body, _sums))


def _sums(expression: Expr) -> Expr:
    return Gemm(_DELTA, _WEIGHT) if expression == GRADIENTS else expression


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


def obstacle(name: str, body: Body) -> NeuronError | None:
    """Why a `backward` cannot be compiled before receivers that are no weighted sums; None where it can.

    There the sum of input_gradient is formed, and the push of multiples of weight_gradient; neither message by message.

    Args:
        name: of the neuron class.
        body: `backward`, its loops hoisted.
    """
    for statement in walk(body):
        if isinstance(statement, MessageLoop):
            parts = set(all_expressions((statement,)))
        elif isinstance(statement, PushFactor) and (statement.left, statement.right) == (_GRADIENTS[1], ONE):
            parts = set()
        else:
            parts = {part for whole in own_expressions(statement) for part in _but_sums(whole)}
        found = " and ".join(str(part) for part in _GRADIENTS if part in parts)
        if found:
            return NeuronError(
                f"{name}.backward uses {found} before receivers that are no weighted sums, where they are compiled as "
                "sums, total += m.input_gradient, and as pushes, factor * m.weight_gradient plus what is a product "
                "without them; write the loop so, or use engine='interpreter'",
                statement.where,
            )
    return None


def _but_sums(expression: Expr) -> list[Expr]:
    """The parts of an expression but for those of Σ input_gradient."""
    if expression == GRADIENTS:
        return []
    return [expression, *(part for child in expression.children for part in _but_sums(child))]
