"""Drawn message loops: terms, guards, several accumulators, pushes; whatever of them becomes a product, bit for bit."""

from __future__ import annotations

from typing import Any

from amounts import few_and_many
from hypothesis import given, settings
from hypothesis import strategies as st

NEURON = """
class Plain(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        self.half = self.binomial(1, 0.5)
        self.feedforward(sum(m.input * m.weight for m in messages))

    def backward(self, messages):
        for m in messages:
            self.push(self.output * m.delta)
        self.backpropagate(sum(m.delta * m.weight for m in messages))


class Drawn(Plain):
    gain = 0.5

    def forward(self, messages):
        a = 0.0
        b = 0.5
        self.half = self.binomial(1, 0.5)
{forward}
        self.feedforward(a + b)

    def backward(self, messages):
        a = 0.0
        b = 0.5
{backward}
        self.backpropagate(a - b)
"""
COEFFICIENTS = ("", "0.5 * ", "-self.gain * ", "self.half * ", "self.index * ", "-")


@st.composite
def terms(draw: Any, left: str, number: str) -> str:
    """A product of a few factors with few digits."""
    lefts = (left, f"max({left}, 0.25)", f"({left} if {number} > 0 else 0.5)", f"({left} - 0.5)", "1.0")
    rights = ("m.weight", "abs(m.weight)", "(m.weight + self.gain)", f"min(m.weight, {number})", "1.0")
    factors = [draw(st.sampled_from(lefts)), draw(st.sampled_from(rights))]
    return str(draw(st.sampled_from(COEFFICIENTS))) + " * ".join(draw(st.permutations(factors)))


@st.composite
def loops(draw: Any, left: str, number: str, pushes: bool) -> str:
    """A loop over the messages, indented for its method."""
    guards = (
        f"{left} > 0", "m.weight < 0.25", f"{number} == 1", "m.is_bias", "self.half", "self.index > 0",
        f"{left} > 0 and m.weight < 0.5", "not m.is_bias or self.half", f"{left} > m.weight", f"{number} != self.index",
    )  # fmt: skip
    lines: list[str] = []

    def statements(depth: int) -> None:
        for _ in range(draw(st.integers(1, 2))):
            kind = draw(st.sampled_from(("add", "add", "add", "if", "skip") if depth < 3 else ("add",)))
            indent = "    " * (depth + 2)
            if kind == "add":
                value = draw(terms(left, number)) + draw(st.sampled_from(("", f" + {draw(terms(left, number))}")))
                lines.append(f"{indent}{draw(st.sampled_from('ab'))} {draw(st.sampled_from('+-'))}= {value}")
                continue
            lines.append(f"{indent}if {draw(st.sampled_from(guards))}:")
            if kind == "skip":
                lines.append(f"{indent}    continue")
                continue
            statements(depth + 1)
            if draw(st.booleans()):
                lines.append(f"{indent}else:")
                statements(depth + 1)

    if pushes:
        carried = draw(st.sampled_from(("", " + self.momentum * m.prev_weight", " - m.weight / 4")))
        guard = draw(st.sampled_from(("", f"if {draw(st.sampled_from(guards))}: ")))
        lines.append(f"            {guard}self.push({draw(terms(left, number))}{carried})")
    statements(1)
    return "        for m in messages:\n" + "\n".join(lines)


@few_and_many(8, 3000)
def test_drawn_loops_mean_what_they_say(
    amount: settings, define: Any, chain: Any, compare: Any, plain_kernels: Any
) -> None:
    @amount
    @given(loops("m.input", "m.sender", False), loops("m.delta", "m.receiver", True), st.booleans(), st.integers(0, 99))
    def check(forward: str, backward: str, bias: bool, seed: int) -> None:
        with plain_kernels():
            module = define(NEURON.format(forward=forward, backward=backward))
            compare(chain((3, module.Plain), (4, module.Drawn), bias=bias), seed=seed, exact=True, train=False)
            first = define(NEURON.format(forward="", backward=backward))
            compare(chain((3, first.Drawn), (2, first.Plain), bias=bias), seed=seed, exact=True, examples=2)

    check()
