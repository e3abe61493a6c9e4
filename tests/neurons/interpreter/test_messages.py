"""What neurons see: every message of every kind of connection, in order, and the numbers beside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from horn.neurons import (
    GELU,
    CategoricalCrossEntropy,
    FunctionInterlayer,
    Identity,
    Interpreter,
    NetworkSpec,
    NeuronError,
    Rates,
    ReLU,
    SquaredError,
    StandardNeuron,
    Tanh,
)

RATES = Rates(4, 0.5, 0.75)
seen: dict[tuple[str, int, int], list] = {}


class Witness(StandardNeuron):
    """A standard neuron that writes down its messages."""

    def forward(self, messages):
        seen["forward", self.layer, self.index] = [(m.input, m.weight, m.sender, m.is_bias) for m in messages]
        super().forward(messages)

    def backward(self, messages):
        seen["backward", self.layer, self.index] = [
            (m.delta, m.weight, m.prev_weight, m.receiver, m.is_bias, m.input_gradient, m.weight_gradient)
            for m in messages
        ]
        seen["state", self.layer, self.index] = [
            self.output, self.learning_rate, self.momentum, self.training, self.iteration
        ]  # fmt: skip
        super().backward(messages)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    seen.clear()
    yield
    seen.clear()


@pytest.fixture
def spec(network) -> NetworkSpec:
    return network((2, Witness, Identity()), (2, Witness, Identity()), (1, Witness, Identity()), cost=SquaredError())


@pytest.fixture
def run(spec, batch):
    """One training step of one example, on exact numbers. Blocks: [b b; w w; w w], [b; w; w]."""
    flat = np.array([1, 2, 3, 4, 5, 6, 0.5, 0.25, -1], np.float32)
    previous = np.arange(10, 19, dtype=np.float32)
    engine = Interpreter(spec, flat, previous, seed=0)
    update = np.empty(spec.size, np.float32)
    engine.gradient(batch([[1, 2]], np.array([[-10.0]])), RATES, update)
    return update


def test_forward_messages(run) -> None:
    assert seen["forward", 0, 0] == [(1, 1, 0, False)]
    assert seen["forward", 0, 1] == [(2, 1, 1, False)]
    assert seen["forward", 1, 0] == [(1, 1, -1, True), (1, 3, 0, False), (2, 5, 1, False)]
    assert seen["forward", 1, 1] == [(1, 2, -1, True), (1, 4, 0, False), (2, 6, 1, False)]
    assert seen["forward", 2, 0] == [(1, 0.5, -1, True), (14, 0.25, 0, False), (18, -1, 1, False)]


def test_backward_messages(run) -> None:
    output = 0.5 + 14 / 4 - 18
    delta = output + 10
    assert seen["backward", 2, 0] == [(delta, 1, 0, 0, False, delta, output * delta)]
    assert seen["backward", 1, 0] == [(delta, 0.25, 17, 0, False, delta / 4, 14 * delta)]
    assert seen["backward", 1, 1] == [(delta, -1, 18, 0, False, -delta, 18 * delta)]
    assert seen["backward", 1, -1] == [(delta, 0.5, 16, 0, True, delta / 2, delta)]
    one, two = delta / 4, -delta
    assert seen["backward", 0, 1] == [
        (one, 5, 14, 0, False, 5 * one, 2 * one),
        (two, 6, 15, 1, False, 6 * two, 2 * two),
    ]
    assert ("backward", 2, -1) not in seen  # nothing follows the last layer, so it has no bias


def test_pushes_land_at_their_synapses(run) -> None:
    delta = 0.5 + 14 / 4 - 18 + 10
    one, two = delta / 4, -delta
    gradient = np.array([one, two, one, two, 2 * one, 2 * two, delta, 14 * delta, 18 * delta])
    np.testing.assert_array_equal(run, -0.5 * gradient + 0.75 * np.arange(10, 19))


def test_state_of_a_step(run) -> None:
    assert seen["state", 1, 0] == [14, 0.5, 0.75, True, 4]
    assert seen["state", 1, -1] == [1, 0.5, 0.75, True, 4]


def test_all_numbers_are_float32(run) -> None:
    assert {type(m[k]) for key, ms in seen.items() if key[0] == "forward" for m in ms for k in (0, 1)} == {np.float32}
    fields = (0, 1, 2, 5, 6)
    kinds = {type(m[k]) for key, ms in seen.items() if key[0] == "backward" for m in ms for k in fields}
    assert kinds == {np.float32}


def test_messages_after_and_before_an_interlayer(network, layer, batch) -> None:
    half = FunctionInterlayer(lambda output: output / 2, lambda output, normalized, gradient: gradient / 2)
    first = network((2, Witness, Identity()), cost=SquaredError()).layers
    spec = NetworkSpec((*first, layer(2, Witness, Identity(), half)), SquaredError())
    none = np.zeros(0, np.float32)
    Interpreter(spec, none, none, seed=0).gradient(batch([[8, 4]], np.array([[1.0, 1.0]])), RATES, none)
    assert seen["forward", 1, 0] == [(4, 1, 0, False)]
    assert seen["forward", 1, 1] == [(2, 1, 1, False)]
    assert seen["backward", 0, 0] == [(1.5, 1, 0, 0, False, 1.5, 12)]
    assert seen["backward", 0, 1] == [(0.5, 1, 0, 1, False, 0.5, 2)]


def test_a_fused_output_layer_is_skipped(network, layer, batch) -> None:
    first = network((2, Witness, Identity()), cost=CategoricalCrossEntropy()).layers
    halves = FunctionInterlayer(lambda output: output / output.sum())
    halves.fused_gradient = lambda cost: True
    spec = NetworkSpec((*first, layer(2, StandardNeuron, Identity(), halves)), CategoricalCrossEntropy())
    none = np.zeros(0, np.float32)
    Interpreter(spec, none, none, seed=0).gradient(batch([[3, 1]], [1]), RATES, none)
    assert seen["backward", 0, 0] == [(0.75, 1, 0, 0, False, 0.75, 2.25)]
    assert seen["backward", 0, 1] == [(-0.75, 1, 0, 1, False, -0.75, -0.75)]


class Counting(StandardNeuron):
    def forward(self, messages):
        seen["forward", self.layer, self.index] = [len(messages), len(list(messages)), len(list(messages))]
        super().forward(messages)


def test_messages_have_a_length_and_can_be_read_again(network, parameters) -> None:
    spec = network((3, StandardNeuron, Identity()), (1, Counting, Identity()), cost=SquaredError())
    flat = parameters(spec)
    Interpreter(spec, flat, np.zeros_like(flat), seed=0).predict(np.ones((1, 3), np.float32))
    assert seen["forward", 1, 0] == [4, 4, 4]


class Keeper(StandardNeuron):
    """Keeps what only one of its examples assigns."""

    scale = 0.1
    twice = 2

    def forward(self, messages):
        for m in messages:
            self.kept = m.input * 1.0
            self.third = 1 / 3
            self.count = 7
        seen["forward", self.layer, self.index] = [self.scale, self.third, self.count, self.twice]
        self.feedforward(self.kept + self.scale)

    def backward(self, messages):
        seen.setdefault(("backward", self.layer, self.index), []).append(self.kept)
        self.backpropagate(0.0)


def test_attributes_are_rounded_and_kept_per_example(network, layer, batch) -> None:
    spec = NetworkSpec((layer(1, Keeper, Identity(), None, scale=0.3),), SquaredError())
    none = np.zeros(0, np.float32)
    Interpreter(spec, none, none, seed=0).gradient(batch([[5], [6]], np.zeros((2, 1))), RATES, none)
    assert seen["forward", 0, 0] == [np.float32(0.3), np.float32(1 / 3), 7, 2]
    assert [type(value) for value in seen["forward", 0, 0]] == [np.float32, np.float32, int, int]
    assert seen["backward", 0, 0] == [5, 6]
    assert Keeper.scale == 0.1  # the user's class is left as it was


class Sometimes(StandardNeuron):
    def forward(self, messages):
        for m in messages:
            self.feedforward(self.activation(m.input) if m.input > 0 else 0.0)

    def backward(self, messages):
        seen.setdefault(("backward", self.layer, self.index), []).append(self.activation.derivative())
        seen.setdefault(("given", self.layer, self.index), []).append(self.activation.derivative(0.5))
        self.backpropagate(0.0)


def test_the_slope_is_at_the_examples_own_point(layer, batch) -> None:
    spec = NetworkSpec((layer(1, Sometimes, Tanh(), None),), SquaredError())
    none = np.zeros(0, np.float32)
    Interpreter(spec, none, none, seed=0).gradient(batch([[1], [-1], [2]], np.zeros((3, 1))), RATES, none)
    slopes = [1 - np.tanh(1) ** 2, 0, 1 - np.tanh(2) ** 2]
    np.testing.assert_allclose(seen["backward", 0, 0], slopes, rtol=1e-5)
    assert seen["given", 0, 0] == [0.75] * 3


def test_a_slope_at_a_point_cannot_be_had_from_the_output(layer, batch) -> None:
    spec = NetworkSpec((layer(1, Sometimes, GELU(), None),), SquaredError())
    none = np.zeros(0, np.float32)
    with pytest.raises(NeuronError, match="slope of GELU is no function of the output") as caught:
        Interpreter(spec, none, none, seed=0).gradient(batch([[1]], np.zeros((1, 1))), RATES, none)
    assert caught.value.where is not None
    assert "self.activation.derivative(0.5)" in caught.value.where.text


class Mean(StandardNeuron):
    """Divides by the number of its messages, of which the bias has none."""

    def forward(self, messages):
        total = 0.0
        count = 0
        for m in messages:
            total += m.input * m.weight
            count += 1
        seen.setdefault(("forward", self.layer, self.index), []).append(count)
        self.feedforward(self.activation(total / count))


def test_the_bias_runs_forward_on_nothing_and_its_output_is_1(network, parameters, batch) -> None:
    spec = network((2, Mean, ReLU()), (1, Witness, Identity()), cost=SquaredError())
    flat = parameters(spec)
    update = np.empty(spec.size, np.float32)
    engine = Interpreter(spec, flat, np.zeros_like(flat), seed=0)
    engine.gradient(batch([[1, 2]], np.zeros((1, 1))), Rates(0, 1.0, 0.0), update)
    assert seen["forward", 0, -1] == [0]
    delta = seen["backward", 1, 0][0][0]
    np.testing.assert_allclose(update, -delta * np.array([1, 1, 2]))


def test_no_bias_without_a_bias_row(network, parameters, batch) -> None:
    spec = network((2, Witness, Identity()), (1, Witness, Identity()), cost=SquaredError(), bias=False)
    flat = parameters(spec)
    out = np.empty(spec.size, np.float32)
    Interpreter(spec, flat, np.zeros_like(flat), seed=0).gradient(batch([[1, 2]], np.zeros((1, 1))), RATES, out)
    assert ("backward", 0, -1) not in seen
    assert [m[2] for m in seen["forward", 1, 0]] == [0, 1]


def test_inputs_of_another_width_are_refused(spec) -> None:
    flat = np.zeros(spec.size, np.float32)
    with pytest.raises(ValueError, match=r"shape \(examples, 2\), got \(1, 3\)"):
        Interpreter(spec, flat, flat.copy(), seed=0).predict(np.ones((1, 3), np.float32))
