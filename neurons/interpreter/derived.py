"""The derivatives that a layer's `forward` defines, for one neuron and example, computed in float64 and rounded once.

`forward` is run again for them, in the representation that the compiler derives from; its draws are drawn again, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compiler.analysis.analysis import Analysis
from ..compiler.capture.subject import Subject
from ..compiler.derivatives.adjoint import DELTA
from ..compiler.derivatives.derive import Derivation
from ..compiler.derivatives.execute import Execution
from ..errors import NeuronError
from ..neuron import ForwardMessage, Neuron
from .draws import Draws
from .keeping import Keeping


@dataclass(frozen=True)
class Derivatives:
    """Those of one layer.

    Args:
        derivation: what they are.
        subject: the class.
        keeping: what its neurons keep.
        products: True where the layer's neurons are weighted sums: then those by messages are products of deltas.
    """

    derivation: Derivation
    subject: Subject
    keeping: Keeping
    products: bool

    def of_output(self, neuron: Neuron, messages: Sequence[ForwardMessage], draws: Draws) -> float:
        """∂output/∂cut (see `compiler.derivatives.derive`).

        Args:
            neuron: the neuron.
            messages: what its `forward` received.
            draws: its draws from the first.
        """
        execution = self._forward(neuron, messages, draws)
        return draws.numbers.real(execution.derivative(self.derivation.slope, self.derivation.output_slope))

    def by_messages(
        self, neuron: Neuron, messages: Sequence[ForwardMessage], draws: Draws, delta: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """∂cost/∂input and ∂cost/∂weight of each message, given the neuron's delta."""
        return self._forward(neuron, messages, draws).gradients(self.derivation.messages, DELTA, delta)

    def _forward(self, neuron: Neuron, messages: Sequence[ForwardMessage], draws: Draws) -> Execution:
        names = (*self.subject.hyperparameters, "learning_rate", "momentum", "iteration", "layer")
        numbers = {name: getattr(neuron, name) for name in names}
        stored, tables = self.keeping.stored(neuron), self.subject.tables.now(draws.numbers.kind)
        execution = Execution(
            numbers, stored, tables, neuron.index, messages, lambda kind, *given: getattr(draws, kind)(*given)
        )
        execution.forward(self.derivation.flow.taped)
        return execution


def derivatives(analysis: Analysis | None, keeping: Keeping) -> Derivatives | None:
    """The derivatives of a class; None where nothing is known of it, or it has none.

    Args:
        analysis: what is known of the class.
        keeping: what its neurons keep.

    Before such receivers a class may use products of deltas only, or is refused: see
    `compiler.analysis.compatibility`.
    """
    if analysis is None or isinstance(analysis.derivation, NeuronError):
        return None
    return Derivatives(analysis.derivation, analysis.subject, keeping, analysis.weighted_sum)
