"""Whether the neurons of a network draw masks: what sub-models are made by."""

from __future__ import annotations

from collections.abc import Sequence

from ...interlayer import Interlayer
from ...spec import NetworkSpec
from ..nir.expressions import Draw, SynapseDraw
from ..nir.trees import all_expressions, with_factors
from .analysis import Analysis
from .compatibility import analysis_if_known
from .drops import Drop


def draws_masks(spec: NetworkSpec) -> bool:
    """True where neurons, or their synapses, draw with `binomial` while they train, so that a batch may share masks.

    Args:
        spec: the network. A class that only the interpreter can run counts as one that draws.
    """
    known = [analysis_if_known(layer) for layer in spec.layers]
    return None in known or any(
        (isinstance(part, Draw) and part.kind == "binomial") or isinstance(part, SynapseDraw)
        for analysis in known
        if analysis is not None
        for body in (analysis.forward, analysis.backward or ())
        for part in with_factors(all_expressions(body))
    )


def dropped_by(spec: NetworkSpec, analyses: Sequence[Analysis]) -> tuple[Drop | None, ...]:
    """For each layer, the draw whose 0 leaves a neuron out of a batch; None where all neurons stay.

    Those before and after a normalization stay, and the last. All stay where some layer cannot do without those that
    are left out.

    Args:
        spec: the network.
        analyses: what is known of its layers.
    """
    found: list[Drop | None] = []
    for index, (layer, analysis) in enumerate(zip(spec.layers, analyses, strict=True)):
        outgoing = spec.block_into(index + 1)
        if not analysis.without_absent or (outgoing is not None and analysis.pushes != "product"):
            return (None,) * len(spec.layers)
        stays = outgoing is None or isinstance(layer.incoming, Interlayer)
        found.append(None if stays else analysis.drop)
    return tuple(found)
