"""A `backward` that the user left out, or that gives only the push: completed from the derivatives of `forward`."""

from __future__ import annotations

from enum import Enum

from ..nir.expressions import ZERO, Binary, Expr, Field, Local, Unary, Uniform
from ..nir.statements import Assign, Backpropagate, Body, MessageLoop, Push, Stmt
from .derivative import times
from .derive import Derivation

_GRADIENT = Local("gradient__")
_PUSH: Expr = Binary(
    "+",
    Binary("*", Unary("-", Uniform("learning_rate")), Field("weight_gradient")),
    Binary("*", Uniform("momentum"), Field("prev_weight")),
)


class Completion(Enum):
    """What of a `backward` Horn adds."""

    NOTHING = "nothing"
    DELTA = "delta"
    ALL = "all"


def completed(written: Body, derivation: Derivation, completion: Completion) -> Body:
    """A whole `backward`.

    It pushes ``-learning_rate · ∂cost/∂weight + momentum · prev_weight`` where nothing is written, and sends back
    ``Σ ∂cost/∂output · ∂output/∂cut``.

    Args:
        written: what the user wrote.
        derivation: the derivatives of `forward`.
        completion: what to add.
    """
    if completion is Completion.NOTHING:
        return written
    loop: list[Stmt] = [Assign(_GRADIENT.name, Binary("+", _GRADIENT, Field("input_gradient")))]
    if completion is Completion.ALL:
        loop.append(Push(_PUSH))
    delta = times(_GRADIENT, derivation.output_slope)
    return (*written, Assign(_GRADIENT.name, ZERO), MessageLoop(tuple(loop)), *derivation.slope, Backpropagate(delta))
