"""Hebb's rule (D. O. Hebb, "The Organization of Behavior", 1949): what fires together wires together."""

from __future__ import annotations

from ..neuron import BackwardMessage, ForwardMessage, Messages, Neuron


class HebbNeuron(Neuron):
    """``y = f(Σ x·w)``; a synapse grows with the activity on both sides: ``Δw = η·x·y``.

    A neuron tells its senders its output, as its delta. Of linear neurons without bias and inputs with mean 0, w turns
    to the first principal component of the inputs while its length grows without bound: `OjaNeuron` holds it at 1.
    """

    learning_rule = "local"

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        for m in messages:
            self.push(self.learning_rate * self.output * m.delta)
        self.backpropagate(self.output)
