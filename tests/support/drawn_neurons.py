"""Neurons that nobody would write: hypothesis strategies for the text of neuron classes, and for networks of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from plain_neurons import PLAIN

from horn.neurons import (
    GELU,
    Dense,
    Identity,
    Layer,
    NetworkSpec,
    Neuron,
    ReLU,
    Sigmoid,
    Softmax,
    SquaredError,
    Tanh,
)
from horn.neurons.neuron import hyperparameters


class Body:
    """Writes the body of one method.

    Args:
        draw: draws from a strategy.
        fields: the number fields of a message, in pairs whose products are summed.
        kept: attributes that can be read.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], fields: list[str], kept: list[str]) -> None:
        self.draw = draw
        self.fields = fields
        self.kept = kept
        self.lines: list[str] = []
        self.depth = 2
        self.names = ["a", "b"]
        self.in_messages = False
        self.in_loop = False

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def number(self) -> str:
        return str(self.pick(0.5, 1.0, -0.75, 0.1, 2, -1, 1.25))

    def atom(self) -> str:
        options = [self.number(), *self.names, "self.gain", "self.count", "SCALE", "self.ratio", "n", "self.index"]
        options += [f"self.{name}" for name in self.kept]
        if self.in_messages:
            options += [f"m.{field}" for field in self.fields] * 3
        return str(self.pick(*options))

    def expression(self, depth: int = 2) -> str:
        if depth == 0:
            return self.atom()
        one, two = self.expression(depth - 1), self.expression(depth - 1)
        return str(
            self.pick(
                one,
                f"({one} + {two})",
                f"({one} - {two})",
                f"{one} * {two}",
                f"-{one}",
                f"({one} / (2 + abs({two})))",
                f"max({one}, {two}, -0.5)",
                f"({one} if {self.condition()} else {two})",
                f"({self.condition()} and {one} or {two})",
                f"clip({one})",
                f"clip({one}, limit={self.number()} ** 2)",
                f"halve(clip({one}, 9.0))",
                f"first_large({one})",
                f"both({one}, {two})[{self.pick(0, 1, -1)}]",
                f"twice({one})",
                f"self.squash({one})",
                f"self.bend(x={one})",
                f"(self.slot + self.note({one}) - self.noted)",
                f"math.exp(-abs({one}))",
                f"{self.drawn()}",
                "float(int(clip(self.uniform(0.0, 3.0))))",
            )
        )

    def drawn(self) -> str:
        return str(self.pick("self.uniform()", "self.normal(0.0, 0.5)", "self.binomial(3, 0.4)", "self.uniform(b=2.0)"))

    def condition(self) -> str:
        options = [
            "self.training",
            "self.flag",
            "self.index > 0",
            "self.iteration % 2 == 0",
            "not self.index % 2",
            "self.uniform() < 0.5",
            "0.2 < self.uniform() < self.uniform()",
            "self.binomial(1, self.keep)",
            "len(messages) > 2 or self.uniform() < 0.3",
            "self.index == 1 and self.binomial(1, 0.5) == 1.0",
            "n > 2",
            "self.layer == 1",
        ]
        if self.in_messages:
            options += ["m.is_bias", "m.sender > 0" if "input" in self.fields else "m.receiver > 0"] * 3
        return str(self.pick(*options))

    def block(self, size: int) -> None:
        self.depth += 1
        for _ in range(self.draw(st.integers(1, size))):
            self.statement(nested=True)
        self.depth -= 1

    def statement(self, nested: bool = False) -> None:
        kinds = ["assign", "assign", "add", "keep", "tuple", "count", "helper"]
        if self.depth < 5:
            kinds += ["if", "if", "range"]
        if not self.in_messages and not self.in_loop:
            kinds += ["sum", "sum", "sum", "messages", "generator", "while", "method", "method"]
        if self.in_messages or self.in_loop:
            kinds += ["leave"]
        getattr(self, f"_{self.pick(*kinds)}")()

    def _assign(self) -> None:
        self.line(f"{self.pick(*self.names)} = {self.expression()}")

    def _add(self) -> None:
        self.line(f"{self.pick(*self.names)} {self.pick('+=', '-=', '*=')} {self.expression(1)}")

    def _keep(self) -> None:
        target = self.pick("slot", *(name for name in self.kept if name == "level"))
        self.line(f"self.{target} {self.pick('=', '+=')} clip({self.expression(1)})")

    def _tuple(self) -> None:
        self.line(f"a, b = {self.expression(1)}, {self.expression(1)}")

    def _count(self) -> None:
        self.line(self.pick("n = n + 1", "n = (n * 3 + self.index) % 5", "n = n // 2 + len(messages)"))

    def _helper(self) -> None:
        self.line(self.pick("self.note(a)", "pair = both(a, b)\n" + "    " * self.depth + "b = pair[1] - pair[0]"))

    def _if(self) -> None:
        self.line(f"if {self.condition()}:")
        self.block(2)
        if self.draw(st.booleans()):
            self.line(self.pick("else:", f"elif {self.condition()}:"))
            self.block(2)

    def _range(self) -> None:
        self.line(f"for i in range({self.pick('2', 'int(self.count)', '1, 6, 2', '3, 0, -1', 'n % 3')}):")
        outer, self.in_loop = self.in_loop, True
        self.depth += 1
        self.line("a = a * 0.5 + i")
        self.depth -= 1
        self.block(1)
        self.in_loop = outer

    def _method(self) -> None:
        """A loop over the messages in a method of its own."""
        name = "back" if "delta" in self.fields else "on"
        self.line(
            self.pick(
                f"a = self.weighted_{name}(messages)",
                f"b += self.weighted_{name}(messages, factor={self.atom()})",
                f"b = self.found_{name}(messages) * {self.number()}",
                f"a, n = self.largest_{name}(messages)",
                f"self.hit = self.weighted_{name}(messages) > 0.0137\n{'    ' * self.depth}b = a if self.hit else 0.5",
            )
        )

    def _while(self) -> None:
        self.line("k = 0")
        self.line(f"while k < 3 and {self.condition()}:")
        self.depth += 1
        self.line("k += 1")
        self.depth -= 1
        self.in_loop = True
        self.block(1)
        self.in_loop = False

    def _leave(self) -> None:
        self.line(f"if {self.condition()}:")
        self.line("    " + self.pick("break", "continue"))

    def _generator(self) -> None:
        self.in_messages = True
        term, test = f"m.{self.fields[0]} * m.{self.fields[1]}", self.pick("", " if m.is_bias", " if not m.is_bias")
        term = self.pick(term, f"{term} * {self.atom()}", self.expression(1))
        self.in_messages = False
        self.line(f"{self.pick('a', 'b')} = sum({term} for m in messages{test})")

    def _sum(self) -> None:
        """A weighted sum, spelled somehow."""
        one, two = (f"m.{field}" for field in self.fields[:2])
        c = self.pick("self.gain", "SCALE", "2", "b", "(a - 1)", "(self.index + 1)")
        target = self.pick("a", "b", "self.slot")
        self.line(self.pick("a = 0.0", "b = b * 0.5", "pass"))
        self.line("for m in messages:")
        self.depth += 1
        self.line(
            self.pick(
                f"{target} += {one} * {two}",
                f"{target} += {two} * {one} * {c}" if c not in ("b", "(a - 1)") else f"{target} -= {one} * {two}",
                f"{target} = {one} * 0.5 * {two} + {target}",
                f"{target} -= -{one} * ({two} / 2 - 3 * {two})",
                f"term = {one} * {two}\n" + "    " * self.depth + f"{target} = {target} + (term + term)",
                f"{target} += 0.25 * {one} * {two} + {one} * {two} * self.gain",
            )
        )
        self.depth -= 1

    def _messages(self) -> None:
        self.line("for m in messages:")
        self.in_messages = True
        self.block(3)
        self.in_messages = False

    def push(self) -> str:
        mask = self.pick("1.0", "self.slot", "b", "self.gain")
        return str(
            self.pick(
                "-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight",
                f"-(self.learning_rate * m.delta) * self.output * {mask}",
                "self.momentum * m.prev_weight - 0.125 * m.weight - self.output * m.delta * self.learning_rate",
                f"{mask} * (m.delta - 0.25 * m.prev_weight)",
                "self.gain * m.prev_weight - m.delta / 2",
                "m.delta * m.weight * 0.125",
                "0.1",
                f"self.learning_rate * m.delta * (self.output + {mask}) / len(messages)",
            )
        )


def _forward(draw: Any, dropout: bool, states: list[str]) -> tuple[list[str], bool]:
    """The lines of `forward`, and whether it applies the activation wherever it ends."""
    body = Body(draw, ["input", "weight"], [*states, *(["slot"] if draw(st.booleans()) else [])])
    body.line("a, n = 0.25, self.index")
    body.line("b = 1")
    if dropout:
        body.line("self.mask = self.binomial(1, self.keep) if self.training else self.keep")
        if draw(st.booleans()):
            body.line("if self.mask == 0.0:")
            body.line("    self.feedforward(0.0)")
            body.line("    return")
    for _ in range(draw(st.integers(0, 3))):
        body.statement()
    body._sum()
    early = draw(st.booleans())
    if early:
        body.line(f"if {body.condition()}:")
        body.line(f"    return self.feedforward(clip({body.expression(1)}){' * self.mask' if dropout else ''})")
    value = body.pick("self.activation(a)", "self.activation(clip(a)) + 0.125", "clip(a)", "self.activation(b) * a")
    body.line(f"self.feedforward(clip({value}){' * self.mask' if dropout else ''})")
    return body.lines, "self.activation(" in value and not early


def _backward(draw: Any, dropout: bool, applies: bool, states: list[str]) -> list[str]:
    body = Body(draw, ["delta", "weight", "prev_weight"], [*states, "slot", "output", "learning_rate"])
    body.line("a, n = 0.0, 1")
    body.line("b = 0.5")
    for _ in range(draw(st.integers(0, 2))):
        body.statement()
    mask = "self.mask * " if dropout else ""
    kind = body.pick("plain", "plain", "conditional", "loop", "either", "none")
    if kind == "plain":
        body.line("for m in messages:")
        body.line("    a += m.delta * m.weight")
        body.line(f"    self.push({mask}({body.push()}))")
    elif kind == "conditional":
        body.line(f"if {body.condition()}:")
        body.line("    for m in messages:")
        body.line(f"        self.push({body.push()})")
    elif kind == "loop":
        body.line("for m in messages:")
        body.in_messages = True
        body.line(f"    if {body.condition()}:")
        body.line(f"        self.push({body.push()})")
        body.line(f"        {body.pick('continue', 'break')}")
        body.line(f"    self.push({body.push()})")
        body.in_messages = False
    elif kind == "either":
        body.line(f"if {body.condition()}:")
        body.line("    for m in messages:")
        body.line(f"        self.push({body.push()})")
        body.line("else:")
        body.line("    for m in messages:")
        body.line(f"        self.push({body.push()})")
    # A slope that forward never sets is refused.
    slope = body.pick("1.0", "self.activation.derivative()" if applies else "1.0")
    body.line(f"self.backpropagate({mask}clip(a + b * 0.25) * {slope})")
    return body.lines


@st.composite
def sources(draw: Any) -> str:
    """The text of a module with a neuron class Drawn, and Plain ones to surround it."""
    dropout = draw(st.booleans())
    states = ["level"] if draw(st.booleans()) else []
    forward, applies = _forward(draw, dropout, states)
    reduce = draw(st.sampled_from(["mean", "sum", "last"]))
    lines = [
        f"class Drawn({draw(st.sampled_from(['Base', 'Middle']))}):",
        *(f"    {name} = State(0.75, {reduce!r})\n" for name in states),
        "    def forward(self, messages):",
        *forward,
        "",
        "    def backward(self, messages):",
        *_backward(draw, dropout, applies, states),
    ]
    return PLAIN + "\n\n" + "\n".join(lines) + "\n"


@st.composite
def networks(draw: Any) -> Callable[[type[Neuron], type[Neuron]], NetworkSpec]:
    """A function from (Drawn, Plain) to a network of both."""
    size = st.integers(1, 6)
    sizes = draw(st.lists(size, min_size=2, max_size=4))
    drawn = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    drawn[draw(st.integers(0, len(sizes) - 1))] = True
    biases = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    activations = draw(st.sampled_from([Identity(), Tanh(), ReLU(), GELU(), Sigmoid()]))
    numbers = draw(st.sampled_from([{}, {"count": 1.5}, {"gain": 2}, {"keep": 0.4, "flag": False}]))
    normalized = draw(st.integers(0, 2 * len(sizes)))
    options = draw(st.sampled_from([{}, {"regularization": 0.125}, {"max_norm": 1.0}]))

    def build(cls: type[Neuron], plain: type[Neuron]) -> NetworkSpec:
        layers: list[Layer] = []
        for index, units in enumerate(sizes):
            neuron = cls if drawn[index] else plain
            own = {name: value for name, value in numbers.items() if name in hyperparameters(neuron)}
            incoming = Dense(biases[index]) if layers else None
            layers.append(Layer(units, neuron, activations, hyperparameters(neuron, own), incoming))
            if index == normalized:
                layers.append(Layer(units, plain, Identity(), {}, Softmax.interlayer))
        return NetworkSpec(tuple(layers), SquaredError(), **options)

    return build
