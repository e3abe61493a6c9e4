"""Hypothesis strategies for message loops that no matrix product can replace, and that run in SIMD lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

NEURON = """
class Drawn(Neuron):
    learning_rule = "local"
    gain = 0.5

    def forward(self, messages):
        self.kept = 0.25
        a, b, n, t = 0.0, self.gain, 0, -1.0
{forward}
        self.kept = self.kept + b * 0.25
        self.feedforward(self.activation(a * 0.5 + b) + n * 0.125 + t)

    def backward(self, messages):
        a, b, n, t = 1.0, self.output, 0, 0.5
{backward}
        self.backpropagate(a * 0.25 + b * self.activation.derivative() + n * 0.125 + t * self.kept)
"""


class Loops:
    """Writes loops over the messages, one or two, under conditions or not.

    Args:
        draw: draws from a strategy.
        fields: the number fields of a message.
        place: the field that numbers the messages.
        push: True where the last loop pushes.
    """

    def __init__(
        self, draw: Callable[[st.SearchStrategy[Any]], Any], fields: list[str], place: str, *, push: bool
    ) -> None:
        self.draw = draw
        self.fields = fields
        self.place = place
        self.push = push
        self.lines: list[str] = []

    def pick(self, *options: str) -> str:
        return str(self.draw(st.sampled_from(options)))

    def number(self, depth: int) -> str:
        """An expression whose every operation rounds to float32 in both engines."""
        if depth == 0:
            fields = [f"m.{name}" for name in self.fields]
            return self.pick(*fields, *fields, "a", "b", "t", "self.kept", "self.gain", "0.5", "-1.25", "2", "n")
        one, two = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            one, f"({one} + {two})", f"({one} - {two})", f"({one} * {two})", f"max({one}, {two})", f"abs({one})",
            f"min({one}, {two}, 0.75)", f"({one} - {two}) ** 2", f"({one} if {self.condition(0)} else {two})",
            f"{one} / (1.5 + abs({two}))",
        )  # fmt: skip

    def condition(self, depth: int) -> str:
        options = [f"m.{self.place} > 1", "m.is_bias", "self.index == 1", f"{self.number(0)} > {self.number(0)}",
                   "len(messages) > 3", f"m.{self.place} % 2 == 0 and {self.number(0)} < 0.25"]  # fmt: skip
        return self.pick(*options) if depth == 0 else f"not ({self.pick(*options)})"

    def statement(self, depth: int, nested: bool) -> None:
        margin = "    " * depth
        kinds = ["clip", "clip", "clip", "best", "count", "place", "keep"]
        kind = self.pick(*kinds, *(() if nested else ("if", "if", "continue")))
        name = self.pick("a", "b", "t")
        if kind == "clip":
            self.lines.append(f"{margin}{name} = max(min({self.number(2)}, 4.0), -4.0)")
        elif kind == "best":
            self.lines.append(f"{margin}if {self.number(1)} > {name}:")
            self.lines.append(f"{margin}    {name}, n = {self.number(0)}, m.{self.place}")
        elif kind == "count":
            self.lines.append(f"{margin}n += 1")
        elif kind == "place":
            self.lines.append(f"{margin}n = m.{self.place} - n // 2")
        elif kind == "keep":
            self.lines.append(f"{margin}self.kept = max(min({self.number(1)}, 2.0), -2.0)")
        elif kind == "continue":
            self.lines += [f"{margin}if {self.condition(0)}:", f"{margin}    continue"]
        else:
            self.lines.append(f"{margin}if {self.condition(self.draw(st.integers(0, 1)))}:")
            self.statement(depth + 1, True)
            self.statement(depth + 1, True)
            if self.draw(st.booleans()):
                self.lines.append(f"{margin}else:")
                self.statement(depth + 1, True)

    def loop(self, depth: int, push: bool) -> None:
        margin = "    " * depth
        self.lines.append(f"{margin}for m in messages:")
        for _ in range(self.draw(st.integers(1, 3))):
            self.statement(depth + 1, False)
        if push:
            guarded = self.draw(st.booleans())
            if guarded:
                self.lines.append(f"{margin}    if {self.condition(0)}:")
            self.lines.append(
                f"{margin}    {'    ' * guarded}self.push(max({self.number(2)}, -8.0) - m.prev_weight * 0.5)"
            )

    def method(self) -> str:
        """The lines of a method's loops."""
        self.lines = []
        if self.draw(st.booleans()):
            self.loop(2, False)
        if self.draw(st.booleans()):
            self.lines.append(f"        a = a + {self.pick('b', 'n', '0.5')}")
        if self.draw(st.booleans()):
            self.lines.append(f"        if {self.pick('a > 0.25', 'self.index > 1', 'n % 2 == 1')}:")
            self.loop(3, self.push)
            if self.draw(st.booleans()):
                self.lines += ["        else:", "            b = b - 0.5"]
                self.loop(3, False)
        else:
            self.loop(2, self.push)
        return "\n".join(self.lines)


@st.composite
def loop_sources(draw: Any) -> str:
    """The text of a class ``Drawn`` whose loops are no matrix products."""
    forward = Loops(draw, ["input", "weight"], "sender", push=False)
    backward = Loops(draw, ["delta", "weight", "prev_weight"], "receiver", push=True)
    return NEURON.format(forward=forward.method(), backward=backward.method())
