"""The radial basis function.

D. S. Broomhead, D. Lowe, "Multivariable functional interpolation and adaptive networks", Complex Systems 2, 1988.
"""

from __future__ import annotations

import math

from ..neuron import ForwardMessage, Messages, Neuron


class RBFNeuron(Neuron):
    """``y = exp(-Σ (x - w)² / (2·width²))``: the weights are the place at which the neuron answers most.

    Attributes:
        width: distance over which the answer falls to exp(-½).
    """

    width = 1.0

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        distance = 0.0  # squared
        for m in messages:
            distance += (m.input - m.weight) ** 2
        self.feedforward(math.exp(-distance / (2.0 * self.width * self.width)))
