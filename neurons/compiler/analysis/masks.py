"""Whether the neurons of a network draw masks: what sub-models are made by."""

from __future__ import annotations

from ...spec import NetworkSpec
from ..nir.expressions import Draw
from ..nir.trees import all_expressions
from .compatibility import analysis_if_known


def draws_masks(spec: NetworkSpec) -> bool:
    """True where neurons of some layer draw with `binomial` while they train, so that a batch may share their masks.

    Args:
        spec: the network. A class that only the interpreter can run counts as one that draws.
    """
    known = [analysis_if_known(layer) for layer in spec.layers]
    return None in known or any(
        isinstance(part, Draw) and part.kind == "binomial"
        for analysis in known
        if analysis is not None
        for body in (analysis.forward, analysis.backward or ())
        for part in all_expressions(body)
    )
