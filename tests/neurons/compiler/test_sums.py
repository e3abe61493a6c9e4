"""Sums over messages that are matrix products: both engines agree, and so many products are formed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from horn.neurons import Identity
from horn.neurons.compiler.analysis.compatibility import layer_analysis
from horn.neurons.compiler.emission.modules import LayerCode, layer_code
from horn.neurons.compiler.operations.operation import Operation, Product

FORWARD = """
class Plain(Neuron):
    def forward(self, messages):
        self.feedforward(sum(m.input * m.weight for m in messages))


class Unit(Neuron):
    gain = 0.5

    def forward(self, messages):
        total = 0.0
        other = 1.0
        self.half = self.binomial(1, 0.5)
{body}
        self.feedforward(total * other)
"""
#: A forward's loop, and how many products, maps, sums of rows or columns it takes.
SUMS: dict[str, tuple[str, int, int]] = {
    "bias said apart": ("if m.is_bias:\n    total += m.weight\nelse:\n    total += m.input * m.weight", 1, 0),
    "the same twice": ("total += m.input * m.weight\nother -= self.gain * m.weight * m.input", 1, 0),
    "inputs": ("total += m.input", 0, 1),
    "weights": ("total += m.weight", 0, 1),
    "squares": ("total += m.input ** 2 * m.weight + m.input * m.weight * m.weight", 2, 2),
    "a mean": ("total += m.input * m.weight / len(messages) + 1.0", 1, 0),
    "functions": ("total += max(m.input, 0.25) * abs(m.weight) * self.half", 1, 2),
    "shifted": ("total += (m.input - 0.5) ** 2\nother += (m.weight + self.gain) * m.input", 1, 2),
    "one map for two": ("total += max(m.input, 0.0) * m.weight\nother += abs(m.weight) * max(m.input, 0.0)", 2, 2),
    "one-sided guards": ("if m.input > 0.0 and m.weight < 0.5:\n    total += m.input * m.weight", 1, 2),
    "either guard": ("if m.input > 0.0 or m.weight < 0.5:\n    total += m.input * m.weight", 2, 3),
    "skipped": ("if m.sender == 1:\n    continue\ntotal += m.input * m.weight", 1, 1),
    "not to itself": ("if m.sender != self.index:\n    total += m.input * m.weight", 1, 1),
    "by the neuron": ("if self.half:\n    total += m.input * m.weight\nelse:\n    total -= m.weight", 1, 1),
    "positions": ("total += m.sender * m.input * m.weight", 1, 1),
    "numbered weights": ("total += m.sender * m.weight", 0, 1),
    "nested": (
        "if m.is_bias:\n    total += m.weight\nelif m.input > 0.5:\n    total += m.input\nelse:\n    other += m.weight",
        1, 3,
    ),
    "given up": (
        "if m.input < 0.0:\n    if m.is_bias:\n        continue\n    total += m.input\nother += m.weight",
        2, 4,
    ),
    "nothing": ("total += 0.0 * m.input * m.weight", 0, 0),
}  # fmt: skip


def in_loop(body: str) -> str:
    lines = "\n".join(f"            {line}" for line in body.splitlines())
    return f"        for m in messages:\n{lines}"


def counted(operations: tuple[Operation, ...]) -> Counter[type[Operation]]:
    return Counter(type(operation) for operation in operations)


def code_of(spec: Any, layer: int, outgoing: str = "dense") -> LayerCode:
    return layer_code(layer_analysis(spec.layers[layer]), "dense" if layer else "single", outgoing)


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_forward(name, define, chain, compare, plain_kernels) -> None:
    body, products, fills = SUMS[name]
    with plain_kernels():
        module = define(FORWARD.format(body=in_loop(body)))
        for bias in (True, False):
            compare(chain((3, module.Plain), (4, module.Unit), bias=bias), exact=name != "a mean", train=False)
        spec = chain((3, module.Unit), (4, module.Unit), (2, module.Unit))
        compare(spec, tolerance=1e-4, train=False)
        code = code_of(spec, 1)
        assert all(report.kept is None for report in code.analysis.loops)
        calls = counted(code.predict)
        assert calls[Product] == products
        assert sum(calls.values()) - products - 1 == fills  # all but the kernel of the method itself


BACKWARD = """
class Plain(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.half = self.binomial(1, 0.5)
        self.feedforward(total)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        self.backpropagate(gradient)


class Unit(Plain):
    gain = 0.5

    def backward(self, messages):
        gradient = 0.0
        other = 0.0
{body}
        self.backpropagate(gradient + other * self.half)
"""
#: A loop of `backward`: products for its sums, products for its push, whether a pass over the weights is needed.
PUSHES: dict[str, tuple[str, int, int, bool]] = {
    "as in the paper": (
        "gradient += m.delta * m.weight\nself.push(-self.output * m.delta + m.prev_weight / 2)",
        1, 1, False,
    ),
    "two sums": ("gradient += m.delta * m.weight\nother += abs(m.delta) * m.weight\nself.push(m.delta)", 2, 1, False),
    "deltas": ("gradient += m.delta\nself.push(m.delta * self.half)", 0, 1, False),
    "weights": ("gradient += m.weight\nother += m.prev_weight ** 2\nself.push(m.weight / 4)", 0, 0, False),
    "both gradients": (
        "gradient += m.input_gradient\nself.push(-m.weight_gradient + self.gain * m.delta)",
        1, 1, False,
    ),
    "a function": ("self.push(max(m.delta, 0.0) * self.output + self.half * m.delta)", 0, 2, False),
    "Oja": ("self.push(self.gain * m.delta * (self.output - m.delta * m.weight))", 0, 1, True),
    "a learning rate for each weight": (
        "self.push(-self.output * m.delta / (1.0 if m.weight > 0 else 2.0))",
        0, 1, True,
    ),
    "some examples decay": ("if self.half:\n    self.push(-m.weight / 4)", 0, 0, True),
    "all decay, some learn": ("self.push(-m.weight / 4 - (m.delta if self.half else 0.0))", 0, 1, False),
    "constants": ("self.push(0.25 if m.receiver > 0 else -0.5)", 0, 1, False),
    "one constant": ("self.push(0.25 * self.half)", 0, 0, True),
    "some receivers": ("if m.receiver == 0:\n    continue\nself.push(self.output * m.delta)", 0, 1, False),
    "not the bias": (
        "if not m.is_bias:\n    gradient += m.delta * m.weight\n    self.push(-m.delta * self.output + m.prev_weight)",
        1, 1, True,
    ),
    "one or the other": (
        "if self.half:\n    self.push(m.delta * self.output + m.weight)\nelse:\n    self.push(m.weight - m.delta)",
        0, 1, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUSHES)
def test_sums_and_pushes_of_backward(name, define, chain, compare, plain_kernels) -> None:
    body, sums, pushed, passed = PUSHES[name]
    with plain_kernels():
        module = define(BACKWARD.format(body=in_loop(body)))
        for bias in (True, False):
            for where in (0, 1):
                layers = [(3, module.Plain), (2, module.Plain)]
                layers.insert(where, (4, module.Unit))
                spec = chain(*layers, bias=bias)
                compare(spec, exact=True, seed=where)
        code = code_of(spec, 1)
        assert all(report.kept is None for report in code.analysis.loops)
        assert counted(code.backward)[Product] == sums
        assert len(code.terms) == pushed
        assert bool(code.update) == passed
        assert code.analysis.pushes == ("sum" if passed else "product" if pushed else "none")


def test_machine_code_of_sums(define, chain, compare) -> None:
    """All sums at once, compiled: numba takes what is emitted."""
    forward = define(FORWARD.format(body="\n".join(in_loop(body) for body, *_ in SUMS.values())))
    compare(chain((3, forward.Unit), (4, forward.Unit)), train=False, tolerance=1e-4)


@pytest.mark.parametrize("name", ["Oja", pytest.param("not the bias", marks=pytest.mark.soak), "two sums"])
def test_machine_code_of_pushes(name, define, chain, compare) -> None:
    """The richest of them, likewise."""
    backward = define(BACKWARD.format(body=in_loop(PUSHES[name][0])))
    compare(chain((3, backward.Plain), (4, backward.Unit), (2, backward.Plain)), exact=True)


@pytest.mark.parametrize("guard", ["m.input > 0.0", "self.half"])
def test_what_a_guard_excludes_does_not_enter(guard, define, chain, compare, plain_kernels) -> None:
    body = f"if {guard}:\n    total += m.weight / m.input"
    with plain_kernels():
        module = define(FORWARD.format(body=in_loop(body)))
        found = compare(chain((3, module.Unit), (4, module.Unit, Identity())), train=False)
        assert np.isfinite(found["predict"]).any()
