"""A network made ready to be interpreted: the classes of its neurons, and what is derived of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..compiler.analysis.compatibility import analysis_if_known, unproven_sums
from ..compiler.derivatives.complete import Completion
from ..spec import NetworkSpec
from .copies import Copies
from .derived import derivatives
from .example import Network
from .executable import executable
from .keeping import Keeping
from .numbers import Numbers
from .synapses import Synapses


def make_network(
    spec: NetworkSpec,
    neurons: Sequence[range],
    synapses: tuple[Sequence[Synapses | None], Sequence[Synapses | None]],
    keeping: Keeping,
    *,
    training: bool,
) -> Network:
    """What all examples share.

    Args:
        spec: the network.
        neurons: for each layer, the indices of those that are run.
        synapses: for each layer, those into its neurons, and those out of them.
        keeping: what neurons and synapses keep.
        training: False where it will only predict.

    Raises:
        NeuronError: a neuron, activation or cost that cannot be run.
    """
    copies = Copies(Numbers(spec.precision))
    known = [analysis_if_known(it) if training else None for it in spec.layers]
    classes = tuple(
        executable(copies, layer, index, analysis.completion if analysis else Completion.NOTHING)
        for index, (layer, analysis) in enumerate(zip(spec.layers, known, strict=True))
    )
    activations = tuple(copies.copy_object(it.activation) for it in spec.layers)
    cost = copies.copy_object(spec.cost)
    derived = tuple(derivatives(analysis, keeping) for analysis in known)
    unproven = unproven_sums(spec) if training else (None,) * len(spec.layers)
    return Network(
        spec, classes, activations, derived, unproven, cost, copies.numbers, neurons, *synapses, keeping
    )  # fmt: skip
