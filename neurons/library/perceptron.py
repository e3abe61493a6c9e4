"""The perceptron: a threshold, and a rule that learns from mistakes.

F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
Psychological Review 65, 1958.
"""

from __future__ import annotations

from ..activations.base import Activation
from ..neuron import BackwardMessage, ForwardMessage, Messages, Neuron


class Threshold(Activation):
    """``f(x) = 1 where x > 0, else 0``. Its slope is 0 wherever it has one."""

    def apply(self, x: float) -> float:
        return 1.0 if x > 0.0 else 0.0

    def derivative(self, y: float) -> float:
        """The slope, 0: no gradient passes."""
        return 0.0


class Perceptron(Neuron):
    """``y = f(Σ x·w)``; ``Δw = η·(t − y)·x``: only mistakes teach.

    Inputs and outputs of a network are of this class, the outputs with `Threshold` (1 or 0) and the cost
    `SquaredError`, whose slope is y − t. The outputs hand that on as it is, since a threshold has no slope to multiply
    it with. Where a line separates the classes, it is found in finitely many steps (Novikoff, 1962), at batch size 1.
    """

    learning_rule = "local"

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        error = 0.0
        for m in messages:
            error += m.delta
            self.push(-self.learning_rate * self.output * m.delta)
        self.backpropagate(error)
