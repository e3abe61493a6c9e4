"""Message loops in SIMD lanes: the same bits as the interpreter's, since each sum takes its messages in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amounts import few_and_many
from drawn_loops import loop_sources
from hypothesis import given, settings
from hypothesis import strategies as st

from horn.neurons import Batch, Compiled, Identity, Interpreter, NetworkSpec, Rates, ReLU
from horn.neurons.compiler.analysis.analysis import analyse
from horn.neurons.compiler.emission import tiles
from horn.neurons.compiler.emission.modules import layer_code
from horn.neurons.compiler.operations.transpose import add_transpose, transpose

DISTANCE = """
class Unit(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        distance = 0.0
        for m in messages:
            distance += (m.input - m.weight) ** 2
        self.feedforward(self.activation(1.0 - distance * 0.5))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += abs(m.delta - m.weight) * 0.5
            self.push(self.learning_rate * abs(self.output - m.weight * m.delta) + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())
"""
WINNER = """
class Unit(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        best, winner = -9.0, -1
        for m in messages:
            if m.input * m.weight > best:
                best, winner = m.input * m.weight, m.sender
        self.winner = winner
        self.feedforward(best)

    def backward(self, messages):
        strongest, at = 0.0, 0
        for m in messages:
            if abs(m.delta) > strongest:
                strongest = abs(m.delta)
                at = m.receiver
        for m in messages:
            if m.receiver == at:
                self.push(self.learning_rate * (self.winner + 1) - m.weight)
        self.backpropagate(strongest)
"""
ATTENTION = """
class Unit(Neuron):
    learning_rule = "local"
    keep = 0.5

    def forward(self, messages):
        self.mask = self.binomial(1, self.keep)
        if self.mask == 0.0:
            self.feedforward(0.0)
        else:
            top = -100.0
            for m in messages:
                top = max(top, m.input * m.weight)
            norm, value = 0.0, 0.0
            for m in messages:
                share = 1.0 / (1.0 + (top - m.input * m.weight))
                norm += share
                value += share * m.input
            self.feedforward(value / norm + 0.125 * self.uniform())

    def backward(self, messages):
        gradient = 0.0
        if self.mask != 0.0:
            for m in messages:
                gradient = max(gradient, m.delta * m.weight)
                if m.delta > 0.0:
                    self.push(-self.learning_rate * max(m.delta, m.weight))
        self.backpropagate(gradient)
"""
PLAIN_RESULT = """
class Unit(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        product, count, first = 1.0, 0, 0.0
        for m in messages:
            if m.is_bias:
                continue
            if count == 0:
                first = m.input
            step = 1.0 + m.input * m.weight
            product *= step
            count += 1
        self.left = first
        self.feedforward(product / count + len(messages))

    def backward(self, messages):
        for m in messages:
            self.left = self.left * 0.5 + m.delta * m.weight * self.output
        if self.index % 2 == 0:
            self.left += 1.0
        self.backpropagate(self.left * self.output)
"""


RELAY = """
class Relay(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        largest = -9.0
        for m in messages:
            largest = max(largest, m.input * m.weight)
        self.feedforward(largest)

    def backward(self, messages):
        self.backpropagate(0.0)
"""


def agree(spec: NetworkSpec, examples: int, seed: int) -> None:
    """Both engines have the same outputs to the last bit, and the same pushes but for the order of their sum."""
    rng = np.random.default_rng(seed)
    inputs, targets = (rng.normal(size=(examples, spec.layers[end].units)).astype(np.float32) for end in (0, -1))
    parameters, previous = (rng.normal(size=spec.size).astype(np.float32) for _ in range(2))
    positions = np.arange(examples, dtype=np.uint32)
    batch = Batch(inputs, targets, positions, positions, examples)
    found = []
    for kind in (Interpreter, Compiled):
        engine = kind(spec, parameters.copy(), previous.copy(), seed=seed)
        pushed = np.empty(spec.size, np.float32)
        engine.gradient(batch, Rates(3, 0.5, 0.25), pushed)
        found.append((engine.predict(inputs), pushed))
    (outputs, pushed), (compiled_outputs, compiled_pushed) = found
    np.testing.assert_array_equal(compiled_outputs, outputs)
    if examples == 1:
        np.testing.assert_array_equal(compiled_pushed, pushed)
    # The interpreter sums over the examples in float64.
    np.testing.assert_allclose(compiled_pushed, pushed, rtol=2e-6, atol=2e-6 * (1 + np.abs(pushed).max()))


# With and without biases the kernels' arguments are of different types: machine code of their own.
@pytest.mark.parametrize(
    ("source", "bias"),
    [
        pytest.param(DISTANCE, False, marks=pytest.mark.soak),
        (WINNER, False),
        pytest.param(ATTENTION, True, marks=pytest.mark.soak),
        pytest.param(PLAIN_RESULT, True, marks=pytest.mark.soak),
    ],
)
def test_loops_in_lanes_have_the_interpreters_bits(source, bias, define, chain) -> None:
    module = define(RELAY + source)
    assert {report.tier for report in analyse(module.Unit, ReLU()).loops} == {"lanes"}
    for case, sizes in enumerate([(1, 1, 2), (3, 2, 1), (4, 9, 4), (8, 7, 9), (5, 33, 6)]):
        layers = zip(sizes, (module.Relay, module.Unit, module.Relay), (Identity(), ReLU(), Identity()), strict=True)
        spec = chain(*layers, bias=bias)
        for examples in (1, case + 2):
            agree(spec, examples, case)


def test_blocks_of_neurons_and_messages_meet(define, chain, plain_kernels, monkeypatch) -> None:
    monkeypatch.setattr(tiles, "LANES", 4)
    monkeypatch.setattr(tiles, "MESSAGES", 3)
    module = define(RELAY + WINNER)
    with plain_kernels():
        agree(chain((8, module.Unit, ReLU()), (9, module.Unit, ReLU()), (7, module.Unit, ReLU())), 3, 0)


@few_and_many(10, 3000)
def test_drawn_loops_in_lanes_have_the_interpreters_bits(
    amount: settings, define: Any, chain: Any, plain_kernels: Any
) -> None:
    @amount
    @given(loop_sources(), st.integers(1, 7), st.booleans(), st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 99))
    def check(source: str, examples: int, bias: bool, sizes: tuple[int, ...], seed: int) -> None:
        unit = define(source).Drawn
        with plain_kernels():
            agree(chain(*((units, unit, ReLU()) for units in sizes), bias=bias), examples, seed)

    check()


@few_and_many(0, 100)
def test_machine_code_of_drawn_loops_has_the_interpreters_bits(amount: settings, define: Any, chain: Any) -> None:
    @amount
    @given(loop_sources(), st.integers(1, 7), st.integers(0, 99))
    def check(source: str, examples: int, seed: int) -> None:
        module = define(RELAY + source)
        agree(chain((5, module.Relay), (7, module.Drawn, ReLU()), (3, module.Relay)), examples, seed)

    check()


def test_a_loop_that_is_the_same_while_training_and_predicting_is_compiled_once(define, plain_kernels) -> None:
    with plain_kernels():
        code = layer_code(analyse(define(DISTANCE).Unit, ReLU()), "dense", "dense")
    assert [operation.label for operation in code.forward] == ["forward_0", "forward_1"]
    assert [operation.label for operation in code.predict] == ["forward_0", "predict_1"]
    backward = ["WT = Wᵀ", "PT = Pᵀ", "backward_0", "U += UTᵀ", "backward_1"]
    assert [operation.label for operation in code.backward] == backward


SCALAR = [
    # the loop's body, why it is a scalar loop
    ("if m.input > 0.25:\n    break\ntotal += abs(m.input)", "the loop contains a break"),
    ("for i in range(2):\n    total += abs(m.input * i)", "the loop contains another loop"),
    ("total += abs(m.input) * self.uniform()", "the loop contains a random draw"),
]


@pytest.mark.parametrize(("body", "reason"), SCALAR)
def test_a_scalar_loop_says_why(body, reason, define) -> None:
    inner = "\n".join(f"            {line}" for line in body.splitlines())
    text = f"""
class Unit(StandardNeuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
{inner}
        self.feedforward(total)
"""
    (report,) = [report for report in analyse(define(text).Unit, Identity()).loops if report.method == "forward"]
    assert report.tier == "scalar"
    assert reason in report.scalar.reason
    assert report.scalar.where is not None


def test_what_keeps_a_whole_method_from_lanes(define) -> None:
    texts = {
        "called exactly once": "if total > 1:\n    self.feedforward(total)\nif total <= 1:\n    self.feedforward(0)",
        "how many come before depends on a condition": "self.feedforward(total + self.uniform())",
    }
    for reason, after in texts.items():
        inner = "\n".join(f"        {line}" for line in after.splitlines())
        text = f"""
class Unit(StandardNeuron):
    def forward(self, messages):
        total = 0.0
        if self.index > 1:
            total = self.uniform()
        for m in messages:
            total = max(total, m.input)
{inner}
"""
        (report,) = [report for report in analyse(define(text).Unit, Identity()).loops if report.method == "forward"]
        assert report.tier == "scalar"
        assert reason in report.scalar.reason


def test_matrix_products_stay_what_they_are(define, plain_kernels) -> None:
    text = """
class Unit(StandardNeuron):
    def forward(self, messages):
        total, largest = 0.0, 0.0
        for m in messages:
            total += m.input * m.weight
        for m in messages:
            largest = max(largest, m.input * total)
        self.feedforward(total - largest)
"""
    analysis = analyse(define(text).Unit, Identity())
    with plain_kernels():
        code = layer_code(analysis, "dense", "single")
    assert [report.tier for report in analysis.loops if report.method == "forward"] == ["GEMM", "lanes"]
    assert [operation.kind for operation in code.forward] == ["GEMM", "kernel", "kernel", "kernel"]


@pytest.mark.parametrize("rows", [1, 15, 16, 33])
@pytest.mark.parametrize("columns", [1, 16, 17])
@pytest.mark.parametrize("bias", [0, 1])
def test_transposes(rows, columns, bias) -> None:
    matrix = np.random.default_rng(0).random((bias + rows, columns), np.float32)
    turned = np.empty((columns, rows), np.float32)
    transpose(matrix, bias, turned)
    np.testing.assert_array_equal(turned, matrix[bias:].T)
    into = matrix.copy()
    add_transpose(turned, bias, into)
    np.testing.assert_array_equal(into[bias:], 2 * matrix[bias:])
    np.testing.assert_array_equal(into[:bias], matrix[:bias])
