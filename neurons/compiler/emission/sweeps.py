"""The operations by which a layer's derivatives go to its messages, where they are no products of its deltas."""

from __future__ import annotations

from dataclasses import dataclass

from ..analysis.analysis import Analysis
from ..derivatives.adjoint import DELTA, of_one_message
from ..derivatives.derive import Derivation
from ..derivatives.outside import taken_outside
from ..nir.expressions import Field
from ..nir.prune import prune
from ..nir.statements import Assign, Backpropagate
from ..operations.operation import Operation
from .crossing import whole_method
from .hazards import Hazards
from .sweeping import VARIANTS, SweepWriter, types_of
from .writer import Writer


@dataclass(frozen=True)
class Sweeps:
    """The derivatives of a layer's receivers by their messages; see `sweeping`.

    Args:
        to_inputs: Σ ∂cost/∂output of the senders.
        to_weights: what the senders push, where its factor is one number for the layer.
        to_both: both at once.
        to_weights_by_factors: what the senders push, by factors of their own.
    """

    to_inputs: Operation
    to_weights: Operation
    to_both: Operation
    to_weights_by_factors: Operation


def sweep_writers(analysis: Analysis, incoming: str, hazards: Hazards) -> list[SweepWriter]:
    """Writers of the kernels of `Sweeps`, in the order of its fields; none where derivatives are products.

    Args:
        analysis: the receivers' class.
        incoming: how they are fed, "dense" or "single".
        hazards: receives what the kernels have to look out for.
    """
    if incoming != "dense" or analysis.weighted_sum or not isinstance(analysis.derivation, Derivation):
        return []
    messages = analysis.derivation.messages
    messages = taken_outside(messages, types_of(messages, analysis.state))
    return [SweepWriter(variant, messages, analysis.state, hazards) for variant in VARIANTS]


def single_writers(analysis: Analysis, incoming: str, hazards: Hazards) -> list[Writer]:
    """The writer of the kernel that turns deltas into ∂cost/∂input in a layer that is fed one to one, if one is needed.

    The arguments are those of `sweep_writers`.
    """
    if incoming != "single" or analysis.weighted_sum or not isinstance(analysis.derivation, Derivation):
        return []
    if analysis.subject.cls.learning_rule == "local":  # its delta is what it says, and no gradient
        return []
    body, gradient = of_one_message(analysis.derivation.messages)
    body = prune((Assign(DELTA, Field("delta")), *body, Backpropagate(gradient)), frozenset())
    crossing = whole_method(body, "through", analysis.state, keep_slope=False)
    return [Writer("through", body, "through", "single", crossing, hazards=hazards)]
