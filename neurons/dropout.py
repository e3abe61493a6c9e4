"""The dropout neuron (Horn paper, section 3; Hinton et al., arXiv:1207.0580)."""

from __future__ import annotations

from .neuron import BackwardMessage, ForwardMessage, Messages, Neuron


class DropoutNeuron(Neuron):
    """A `StandardNeuron` that takes part in an example with probability `keep`, and is scaled by it in prediction.

    Attributes:
        keep: probability that the neuron is kept, in (0, 1].
    """

    keep = 0.5

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        self.mask = self.binomial(1, self.keep) if self.training else self.keep
        if self.mask == 0.0:
            self.feedforward(0.0)
        else:
            total = 0.0
            for m in messages:
                total += m.input * m.weight
            self.feedforward(self.activation(total) * self.mask)

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.mask * self.activation.derivative())
