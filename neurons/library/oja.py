"""Oja's rule (E. Oja, "A simplified neuron model as a principal component analyzer", J. Math. Biology 15, 1982)."""

from __future__ import annotations

from ..neuron import BackwardMessage, Messages
from .hebb import HebbNeuron


class OjaNeuron(HebbNeuron):
    """Hebb's rule with a decay that keeps the weights at length 1: ``Δw = η·y·(x − y·w)``.

    Of linear neurons without bias, each learns the first principal component of inputs with mean 0.
    """

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        for m in messages:
            self.push(self.learning_rate * m.delta * (self.output - m.delta * m.weight))
        self.backpropagate(self.output)
