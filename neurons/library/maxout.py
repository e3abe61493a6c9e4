"""Maxout (I. Goodfellow et al., "Maxout networks", arXiv:1302.4389, 2013)."""

from __future__ import annotations

from ..neuron import ForwardMessage, Messages, Neuron


class MaxoutNeuron(Neuron):
    """``y = max x·w``: the largest message speaks for all, and alone learns.

    Behind a layer of linear neurons that is the largest of linear functions: maxout, with all of them as its pieces.
    """

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        self.feedforward(max(m.input * m.weight for m in messages))
