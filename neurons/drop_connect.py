"""DropConnect (L. Wan et al., "Regularization of neural networks using DropConnect", ICML 2013)."""

from __future__ import annotations

from .neuron import ForwardMessage, Messages, Neuron


class DropConnectNeuron(Neuron):
    """``y = f(Σ x·w·M)``: synapses, not neurons, are dropped at random while training: ``M ~ binomial(1, keep)``.

    The mask is drawn for each example, or, with sub-models, once for each worker and batch; bias synapses stay. While
    predicting, weights count ``keep`` times: the mean of the sum, where the paper (section 3.2) samples from a normal
    distribution. `backward` is derived: the gradient of a weight is 0 where its synapse was dropped.

    It runs as a matrix product with the masked weights, its derivatives in lanes. A pass has one mask: with sub-models
    a worker's batch is one pass, and a step of 784-512-512-10 and 100 examples takes about twice as long as without
    masks; with a mask per example every example is a pass, and a step takes about 50 times as long.

    Attributes:
        keep: probability that a synapse stays.
    """

    keep = 0.5

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        total = 0.0
        for m in messages:
            total += m.input * m.weight * (m.binomial(1, self.keep) if self.training else self.keep)
        self.feedforward(self.activation(total))
