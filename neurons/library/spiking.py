"""A spiking neuron, trained through a surrogate of its spikes' derivative.

F. Zenke, S. Ganguli, "SuperSpike: supervised learning in multilayer spiking neural networks", Neural Computation 30,
2018.
"""

from __future__ import annotations

from ..neuron import BackwardMessage, ForwardMessage, Messages, Neuron


class SpikingNeuron(Neuron):
    """Leaky integrate-and-fire, for `steps` steps under the constant current ``I = Σ x·w``; the output is the rate.

    ``v ← leak·v + I``; where ``v > threshold``: a spike, ``v ← v - threshold``; ``y = spikes / steps``.

    A spike s has the slope 0 in v, which teaches nothing. In its place, for learning, stands the slope of a fast
    sigmoid, ``∂s/∂v = 1 / (1 + steepness·|v - threshold|)²``; with it the slope of y in I is summed up beside v. It is
    not the gradient, which `check_backward` finds to be 0. The layer's activation is not used.

    Attributes:
        steps: number of time steps.
        leak: share of the potential that is left after a step.
        threshold: potential at which the neuron fires.
        steepness: of the surrogate slope.
    """

    steps = 10
    leak = 0.9
    threshold = 1.0
    steepness = 2.0

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        current = 0.0
        for m in messages:
            current += m.input * m.weight
        v = spikes = 0.0
        dv = slope = 0.0  # slopes of v and of the sum of spikes, in the current
        for _ in range(self.steps):
            v = self.leak * v + current
            dv = self.leak * dv + 1.0
            ds = dv / (1.0 + self.steepness * abs(v - self.threshold)) ** 2
            slope += ds
            dv -= self.threshold * ds
            if v > self.threshold:
                spikes += 1.0
                v -= self.threshold
        self.slope = slope / self.steps
        self.feedforward(spikes / self.steps)

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.slope)
