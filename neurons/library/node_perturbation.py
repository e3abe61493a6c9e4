"""Node perturbation: noise in the neurons, and one number, the cost, that all of them hear.

J. Werfel, X. Xie, H. S. Seung, "Learning curves for stochastic gradient descent in linear feedforward networks", Neural
Computation 17, 2005; with noise of one size, as in G. Cauwenberghs, "A fast stochastic error-descent algorithm", 1993.
"""

from __future__ import annotations

from ..neuron import BackwardMessage, ForwardMessage, Messages, Neuron
from ..state import State


class PerturbedNeuron(Neuron):
    """``y = f(Σ x·w + ξ)`` with noise ``ξ = ±sigma``; ``Δw = −η·(C − C̄)·ξ·x / sigma²``, C̄ a running mean of the cost C.

    Where a neuron's noise raised the cost, its weights go the other way: on average, to first order in sigma, down the
    gradient of C, without a derivative. The cost of an example is the mean over the output units; all neurons hear it.
    A neuron sends ``C·sign ξ`` back, so that the size tells its senders the cost, the sign which way the noise went: no
    cost may be negative, and an example of cost 0 teaches nothing.

    For inputs and hidden layers; the outputs are `PerturbedOutput`. The bias has no C̄: its updates are right on
    average, but vary more.

    Attributes:
        sigma: size of the noise, the same in all layers. Smaller is nearer to the gradient.
        forgetting: share of an example's cost in C̄.
        baseline: C̄.
    """

    learning_rule = "local"
    sigma = 0.1
    forgetting = 0.1
    baseline = State(0.0)

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.sign = 2.0 * self.binomial(1, 0.5) - 1.0 if self.training and self.layer > 0 else 0.0
        self.feedforward(self.activation(total + self.sigma * self.sign))

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        cost = sum(abs(m.delta) for m in messages) / len(messages)
        rate = self.learning_rate * (cost - self.baseline) / self.sigma
        for m in messages:
            self.push(-rate * self.output if m.delta > 0.0 else rate * self.output)
        self.baseline += self.forgetting * (cost - self.baseline)
        self.backpropagate(cost * self.sign)


class PerturbedOutput(PerturbedNeuron):
    """An output unit among `PerturbedNeuron`: its cost is ``½ δ²``, from the slope δ = y − t of `SquaredError`."""

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        cost = 0.0
        for m in messages:
            cost += 0.5 * m.delta * m.delta
        self.backpropagate(cost * self.sign)
