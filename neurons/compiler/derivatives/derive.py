"""The derivatives that a `forward` defines: where its delta belongs, and what leads from there to the messages.

The delta is ∂cost/∂cut. The cut is

- the sum, where `forward` is one weighted sum;
- else the argument of the activation, where it is applied once, and messages reach the output through it alone;
- else the output.

So a `backward` of the usual shape, ``gradient * self.activation.derivative()``, gives the delta in all three cases (in
the third where `forward` applies no activation, ``gradient`` alone).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..nir.expressions import ZERO, Const, Expr, Local
from ..nir.statements import Assign, Body
from .adjoint import DELTA, Reverse, reverse
from .dataflow import Dataflow, Recurrence


@dataclass(frozen=True)
class Derivation:
    """The derivatives of a `forward`.

    Args:
        flow: its dataflow.
        cut: the name of the value that deltas belong to; None where the output depends on no message.
        slope: what leads to ∂output/∂cut.
        output_slope: ∂output/∂cut, in terms of what `slope` assigns.
        messages: what leads from the delta, the local `adjoint.DELTA`, to the derivatives by each message.
    """

    flow: Dataflow
    cut: str | None
    slope: Body
    output_slope: Expr
    messages: Reverse


def derive(flow: Dataflow, weighted_sum: bool) -> Derivation:
    """The derivatives of a `forward`.

    Args:
        flow: its dataflow.
        weighted_sum: True where it is one weighted sum.
    """
    output = flow.output
    if not isinstance(output, Local) or output.name not in flow.active:
        return Derivation(flow, None, (), ZERO, Reverse((), {}))
    unit = {output.name: Const(1.0)}
    for through, point in _candidates(flow, weighted_sum):
        if not reverse(flow, unit, [through]).sweeps:
            found = reverse(flow, unit, [point])
            return _derivation(flow, point, _straight(found), found.adjoints[point])
    return _derivation(flow, output.name, (), Const(1.0))


def _candidates(flow: Dataflow, weighted_sum: bool) -> list[tuple[str, str]]:
    """(value, cut): the delta belongs to the cut if the output depends on messages through the value alone."""
    if weighted_sum:
        loops = [item for item in flow.items if isinstance(item, Recurrence)]
        left = [item.left for loop in loops for item in loop.carried if item.left is not None]
        sums = [name for name in left if name in flow.active]
        return [(name, name) for name in sums] if len(sums) == 1 else []
    if len(flow.applications) == len(flow.points) == 1 and isinstance(flow.points[0], Local):
        return [(flow.applications[0], flow.points[0].name)]
    return []


def _straight(found: Reverse) -> Body:
    return tuple(piece for piece in found.pieces if isinstance(piece, Assign))


def _derivation(flow: Dataflow, cut: str, slope: Body, output_slope: Expr) -> Derivation:
    return Derivation(flow, cut, slope, output_slope, reverse(flow, {cut: Local(DELTA)}))
