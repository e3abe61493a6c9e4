"""Drawn sums and pushes over small dyadic rationals, where every order of a sum gives the same bits."""

from __future__ import annotations

from typing import Any

from drawn_neurons import PROFILE
from hypothesis import given, settings
from hypothesis import strategies as st

from horn.neurons import Identity, ReLU

EXACT = """
class Plain(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())


class Drawn(Neuron):
    gain = 0.5
    keep = 0.75

    def forward(self, messages):
        self.mask = {mask}
        total = {start}
        {forward}
        self.feedforward(self.activation(total) * self.mask)

    def backward(self, messages):
        gradient = 0.0
        {backward}
        self.backpropagate(gradient * self.mask * self.activation.derivative())
"""
SUMS = (
    "total = sum(m.weight * m.input for m in messages) + total",
    "for m in messages: total += m.input * m.weight",
    "for m in messages: total = (m.weight / 2 + m.weight * self.gain) * m.input + total",
    "for m in messages: total -= m.input * -(m.weight * 2 - m.weight)",
    "for m in messages: total += m.weight if m.is_bias else m.input * m.weight",
    "for m in messages:\n            if m.sender > 0: continue\n            total += m.weight * m.input",
)
PUSHES = (
    "self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)",
    "self.push(self.gain * (m.prev_weight - m.weight / 4) - self.output * m.delta / 2)",
    "self.push(-m.delta * self.learning_rate * (self.output + self.mask))",
    "if self.output > 0: self.push(-m.delta * self.output * self.gain)",
    "if not m.is_bias: self.push(-self.gain * m.weight_gradient + m.prev_weight / 2)",
)


@st.composite
def exact_sources(draw: Any) -> str:
    """Spellings of sums and pushes whose numbers need few digits."""
    push = draw(st.sampled_from(PUSHES))
    one_loop = f"for m in messages:\n            gradient += m.input_gradient\n            {push}"
    two_loops = f"gradient = sum(m.delta * m.weight for m in messages)\n        for m in messages:\n            {push}"
    return EXACT.format(
        mask=draw(st.sampled_from(["self.binomial(1, self.keep)", "self.binomial(2, 0.5) / 2", "1.0"])),
        start=draw(st.sampled_from(["0.0", "0.25", "0"])),
        forward=draw(st.sampled_from(SUMS)),
        backward=draw(st.sampled_from([one_loop, two_loops])),
    )


@given(exact_sources(), st.sampled_from([1, 2, 4]), st.booleans(), st.booleans(), st.integers(0, 99))
@settings(max_examples=50, **PROFILE)
def test_sums_that_are_exact_are_the_same_to_the_last_bit(
    define: Any,
    chain: Any,
    compare: Any,
    plain_kernels: Any,
    source: str,
    examples: int,
    bias: bool,
    first: bool,
    seed: int,
) -> None:
    with plain_kernels():
        module = define(source)
        layers = [(3, module.Plain), (2, module.Plain, Identity())]
        layers.insert(1 - first, (4, module.Drawn, ReLU()))
        weighted = not any(part in source for part in ("is_bias else", "continue", "self.gain) * m.input"))
        compare(chain(*layers, bias=bias), seed=seed, examples=examples, exact=True, train=weighted or first)
