"""The part L of a push, which does not depend on the example: β·prev_weight + γ·weight."""

from __future__ import annotations

from typing import Any

from ..compiler.analysis.analysis import Analysis
from ..compiler.analysis.compatibility import analysis_if_known
from ..compiler.nir.evaluate import evaluate
from ..engine import Rates
from ..spec import Layer, Precision


def push_split(layer: Layer, index: int, rates: Rates, precision: Precision) -> tuple[float, float]:
    """β and γ of what the neurons of `layer` push over their outgoing synapses.

    Args:
        layer: the senders' layer.
        index: its index in the network.
        rates: those of the step.
        precision: the network's.

    (0, 0) where the class cannot be analysed, or its pushes cannot be split: then all of a push counts as D, which is
    right wherever one engine computes the whole batch, or the D of several are added up.
    """
    analysis = analysis_if_known(layer)
    if analysis is None:
        return 0.0, 0.0
    values = layer_values(analysis, layer, index, rates, precision)
    return evaluate(analysis.carry.beta, values), evaluate(analysis.carry.gamma, values)


def layer_values(analysis: Analysis, layer: Layer, index: int, rates: Rates, precision: Precision) -> dict[str, Any]:
    """The numbers that are the same for all of a layer, by the names that `evaluate` has for them."""
    return (
        analysis.subject.tables.now(precision)
        | {f"h_{name}": value for name, value in layer.hyperparameters.items()}
        | {
            "learning_rate": rates.learning_rate,
            "momentum": rates.momentum,
            "iteration": rates.step,
            "layer": index,
        }
    )
