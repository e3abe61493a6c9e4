"""Mistakes with what neurons and synapses keep, told by the compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from horn.neurons import (
    Identity,
    Layer,
    NeuronError,
)
from horn.neurons.compiler.analysis.compatibility import layer_analysis

HEAD = """
class Unit(StandardNeuron):
    level = State(0.0)
    trace = SynapseState(0.0)

    def forward(self, messages):
        {forward}
        self.feedforward(sum(m.input for m in messages))

    def backward(self, messages):
        {backward}
        self.backpropagate(0.0)
"""
MISTAKES = {
    "a synapse's number read in forward": ("forward", "for m in messages: x = m.trace", "lead OUT of the neuron"),
    "a synapse's number set in forward": ("forward", "for m in messages: m.trace = 1.0", "lead OUT of the neuron"),
    "a synapse's number of the neuron": ("backward", "x = self.trace", "write m.trace"),
    "a synapse's number set of the neuron": ("backward", "self.trace = 1.0", "write m.trace"),
    "a weight that is set": ("backward", "for m in messages: m.weight = 1.0", "cannot assign to m.weight: push"),
    "a number that is not declared": ("backward", "for m in messages: m.x = 1.0", r"x = SynapseState\(...\)"),
    "a tuple for a synapse": ("backward", "for m in messages: m.trace = (1.0, 2.0)", "a number only"),
    "after the loop": ("backward", "for m in messages: pass\n        m.trace = 1.0", "after its loop"),
    "two loops": (
        "backward",
        "for m in messages: m.trace += 1.0\n        for m in messages: self.push(m.trace)",
        "in one loop, which runs once",
    ),
    "a loop that runs again": (
        "backward",
        "for i in range(2):\n            for m in messages: m.trace += 1.0",
        "in one loop, which runs once",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(mistake, define: Callable[[str], Any]) -> None:
    method, text, message = MISTAKES[mistake]
    module = define(HEAD.format(**{"forward": "pass", "backward": "pass", method: text}))
    with pytest.raises(NeuronError, match=message) as caught:
        layer_analysis(Layer(2, module.Unit, Identity(), {}, None))
    assert caught.value.where is not None
    assert (
        "trace" in caught.value.where.text or "m.weight" in caught.value.where.text or "m.x" in caught.value.where.text
    )
