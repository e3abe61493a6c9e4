"""Sanger's rule, also called the generalized Hebbian algorithm.

T. D. Sanger, "Optimal unsupervised learning in a single-layer linear feedforward neural network", Neural Networks 2,
1989.
"""

from __future__ import annotations

from ..neuron import BackwardMessage, Messages
from .hebb import HebbNeuron


class SangerNeuron(HebbNeuron):
    """Oja's rule on what the receivers before have left of the input: ``Δw_j = η·y_j·(x − Σ_{k≤j} y_k·w_k)``.

    Of linear neurons without bias, the j-th learns the j-th principal component of inputs with mean 0.
    """

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        explained = 0.0
        for m in messages:
            explained += m.delta * m.weight
            self.push(self.learning_rate * m.delta * (self.output - explained))
        self.backpropagate(self.output)
