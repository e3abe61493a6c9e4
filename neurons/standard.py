"""The standard neuron: a weighted sum, its activation, and gradient descent with momentum."""

from __future__ import annotations

from .neuron import BackwardMessage, ForwardMessage, Messages, Neuron


class StandardNeuron(Neuron):
    """``output = f(Σ input·weight)``; pushes ``-learning_rate·∂cost/∂weight + momentum·prev_weight``."""

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())
