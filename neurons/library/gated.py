"""The gated unit (Y. Dauphin et al., "Language modeling with gated convolutional networks", arXiv:1612.08083, 2016)."""

from __future__ import annotations

import math

from ..neuron import ForwardMessage, Messages, Neuron


class GatedNeuron(Neuron):
    """``y = a·σ(b)``: a is ``Σ x·w`` over the first half of the senders, b over the others; σ is logistic."""

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        half = len(messages) // 2
        content = gate = 0.0
        for m in messages:
            if m.sender < half:
                content += m.input * m.weight
            else:
                gate += m.input * m.weight
        self.feedforward(content / (1.0 + math.exp(-gate)))
