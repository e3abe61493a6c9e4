"""Forward-forward: each layer tells real from wrong data by the size of its own activity.

G. Hinton, "The forward-forward algorithm: some preliminary investigations", arXiv:2212.13345, 2022.
"""

from __future__ import annotations

import math

import numpy as np

from ..costs.base import Cost
from ..interlayer import Interlayer, Vector
from ..neuron import BackwardMessage, ForwardMessage, Messages, Neuron


class Polarity(Cost):
    """``-t·o``: the targets are 1 for positive data, -1 for negative; the slope ``-t`` tells the outputs which."""

    def apply(self, output: float, target: float) -> float:
        return -target * output

    def derivative(self, output: float, target: float) -> float:
        return -target


class HiddenGoodness(Interlayer):
    """``o / √(mean o²)``: hides a layer's goodness from the next one, which would otherwise read nothing else.

    Back goes what comes, which is no gradient but the polarity.
    """

    def apply(self, output: Vector) -> Vector:
        return np.asarray(output / (np.sqrt((output * output).mean()) + 1e-6))

    def backward(self, output: Vector, normalized: Vector, gradient: Vector) -> Vector:
        return gradient


class GoodnessNeuron(Neuron):
    """``y = f(Σ x·w)``, f ≥ 0. Tells its senders ``-t·y``, t = 1 for positive, -1 for negative data.

    Hidden layers have the interlayer `HiddenGoodness` of `GoodnessSender`; the outputs have the cost `Polarity`.
    """

    learning_rule = "local"

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        slope = 0.0
        for m in messages:
            slope += m.delta
        self.backpropagate(slope * self.output)


class GoodnessSender(Neuron):
    """Before a layer of `GoodnessNeuron`: input, or hidden layer behind its normalization; owns the weights.

    Raises the layer's goodness ``G = mean y²`` for positive data, lowers it for negative: gradient descent in
    ``log(1 + exp(-t·(G - threshold)))``, t = ±1, of that layer alone:
    ``Δw = η·t·p·x·y``, ``p = 1 / (1 + exp(t·(G - threshold)))``; the factor 2 / units is part of η. A layer that is
    silent for an example learns nothing from it, nor do those before: y = 0 hides t.

    Attributes:
        threshold: the goodness that separates the two.
    """

    learning_rule = "local"
    threshold = 2.0

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        self.feedforward(sum(m.input for m in messages))

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        goodness = slope = 0.0
        for m in messages:
            goodness += m.delta * m.delta
            slope += m.delta
        t = 0.0 if slope == 0.0 else -math.copysign(1.0, slope)
        wrong = 1.0 / (1.0 + math.exp(t * (goodness / len(messages) - self.threshold)))
        for m in messages:
            self.push(-self.learning_rate * wrong * self.output * m.delta)
        self.backpropagate(-t)
