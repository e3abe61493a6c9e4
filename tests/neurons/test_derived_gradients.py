"""Gradients of networks with receivers that are no weighted sums, against central differences of a NumPy model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from receivers import RBF, RECEIVERS, Gated, MaxProduct, Receiver

from horn.neurons import (
    Compiled,
    DropoutNeuron,
    Engine,
    Identity,
    Interpreter,
    NetworkSpec,
    Neuron,
    NeuronError,
    Rates,
    SquaredError,
    StandardNeuron,
    Tanh,
    explain_network,
)

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]
ENGINES = [Interpreter, Compiled]


def summed(function: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> Function:
    """A layer of weighted sums."""
    return lambda X, W: function(X @ W)


def loss(spec: NetworkSpec, functions: list[Function], flat: np.ndarray, inputs: np.ndarray, targets: np.ndarray):
    """Mean cost, float64: ½ Σ (o - t)²."""
    values = inputs
    for index, function in enumerate(functions, 1):
        values = function(np.insert(values, 0, 1.0, axis=1), spec.block_into(index).matrix(flat))
    return 0.5 * ((values - targets) ** 2).sum() / len(inputs)


def differences(spec: NetworkSpec, functions: list[Function], flat: np.ndarray, inputs, targets) -> np.ndarray:
    steps = 1e-6 * np.eye(spec.size)
    both = [[loss(spec, functions, flat + sign * step, inputs, targets) for sign in (1, -1)] for step in steps]
    return np.array([(ahead - behind) / 2e-6 for ahead, behind in both])


def gradient(kind: type[Engine], spec: NetworkSpec, flat: np.ndarray, batch) -> np.ndarray:
    out = np.full(spec.size, np.nan, np.float32)
    kind(spec, flat, np.zeros_like(flat), seed=0).gradient(batch, Rates(0, 1.0, 0.0), out)
    return -out


@pytest.fixture
def check(network, batch, parameters):
    """``check(kind, layers, functions)``: the engine's gradient is that of the NumPy model."""

    def run(kind: type[Engine], layers: list[tuple], functions: list[Function], seed: int = 3) -> None:
        spec = network((3, StandardNeuron, Identity()), *layers, cost=SquaredError())
        random = np.random.default_rng(seed)
        inputs = random.normal(size=(5, 3)).astype(np.float32)
        targets = random.normal(size=(5, layers[-1][0])).astype(np.float32)
        flat = parameters(spec, seed=seed)
        expected = differences(spec, functions, flat.astype(np.float64), inputs.astype(np.float64), targets)
        found = gradient(kind, spec, flat, batch(inputs, targets))
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)

    return run


def every_kind() -> list[Any]:
    """Both engines with each; to compile them takes long, and is left to soaks for two of three."""
    rare = pytest.mark.soak
    return [
        pytest.param(
            kind, receiver, id=f"{receiver}-{kind.__name__}", marks=[rare] if kind is Compiled and place % 3 else []
        )
        for place, receiver in enumerate(RECEIVERS)
        for kind in ENGINES
    ]


@pytest.mark.parametrize(("kind", "receiver"), every_kind())
def test_before_and_after_every_kind_of_receiver(kind: type[Engine], receiver: Receiver, check) -> None:
    layers = [(4, StandardNeuron, Tanh()), (3, receiver.cls, receiver.activation), (2, StandardNeuron, Identity())]
    check(kind, layers, [summed(np.tanh), receiver.function, summed()])


class Signs(Neuron):
    """Reckons with truth values, those of an array among them: Σ |x|·w + ((x > 0) + (w > 0) + on)·x·w."""

    on = np.array([True, False, True, True])

    def forward(self, messages):
        total = 0.0
        for m in messages:
            sign = (m.input > 0) - (m.input < 0)
            total += sign * m.input * m.weight
            total += ((m.input > 0) + (m.weight > 0) - -self.on[m.sender]) * m.input * m.weight
        self.feedforward(total)


def signs(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    counts = (X > 0)[:, :, None] + 1.0 * (W > 0) + 1.0 * np.roll(Signs.on, 1)[:, None]
    return np.abs(X) @ W + np.einsum("bsn,bs,sn->bn", counts, X, W)


@pytest.mark.parametrize("kind", ENGINES)
def test_truth_values_are_numbers(kind: type[Engine], check) -> None:
    check(kind, [(3, StandardNeuron, Tanh()), (3, Signs, Identity())], [summed(np.tanh), signs])


@pytest.mark.parametrize("kind", ENGINES)
def test_receivers_one_after_the_other(kind: type[Engine], check) -> None:
    known = {receiver.cls: receiver for receiver in RECEIVERS}
    chosen = [known[cls] for cls in (MaxProduct, RBF, Gated)]
    check(kind, [(3, it.cls, it.activation) for it in chosen], [it.function for it in chosen], seed=5)


def test_dropout_neurons_before_them(check) -> None:
    receiver = RECEIVERS[0]
    layers = [(4, DropoutNeuron, Tanh(), {"keep": 1.0}), (2, receiver.cls, receiver.activation)]
    check(Interpreter, layers, [summed(np.tanh), receiver.function])


class PushOnly(StandardNeuron):
    """Gives its push; the delta is Horn's."""

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient)


class Plain(Neuron):
    """A weighted sum without a backward."""

    def forward(self, messages):
        self.feedforward(self.activation(sum(m.input * m.weight for m in messages)) * 0.5)


class Damped(StandardNeuron):
    """The push is scaled by what differs between neurons and examples."""

    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        scale = 2.0 if self.output > 0.0 else 0.5
        for m in messages:
            self.push(-self.learning_rate * scale * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize(("cls", "factor"), [(PushOnly, 1.0), (Plain, 0.5)])
def test_backward_is_completed(kind: type[Engine], cls: type[Neuron], factor: float, check) -> None:
    def function(X: np.ndarray, W: np.ndarray) -> np.ndarray:
        return factor * np.tanh(X @ W)

    check(kind, [(3, cls, Tanh()), (3, cls, Tanh()), (2, RBF, Identity())], [function, function, RECEIVERS[0].function])


def test_engines_agree_where_pushes_differ_between_examples(network, batch, parameters) -> None:
    receiver = RECEIVERS[0]
    spec = network(
        (3, StandardNeuron, Identity()),
        (4, Damped, Tanh()),
        (20, receiver.cls, receiver.activation),
        (6, DropoutNeuron, Tanh()),
        (2, receiver.cls, receiver.activation),
        cost=SquaredError(),
    )
    random = np.random.default_rng(1)
    data = batch(random.normal(size=(7, 3)), random.normal(size=(7, 2)).astype(np.float32))
    flat = parameters(spec)
    found, wanted = (gradient(kind, spec, flat, data) for kind in (Compiled, Interpreter))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    steps = [flat.copy() for _ in ENGINES]
    for kind, weights in zip(ENGINES, steps, strict=True):
        engine = kind(spec, weights, np.zeros_like(flat), seed=0)
        for step in range(3):
            engine.step(data, Rates(step, 0.1, 0.5))
    np.testing.assert_allclose(steps[1], steps[0], rtol=1e-4, atol=1e-6)


class Clipped(StandardNeuron):
    """Pushes what is no product."""

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * min(max(m.weight_gradient, -0.1), 0.1))
        self.backpropagate(gradient * self.activation.derivative())


class Paper(StandardNeuron):
    """The paper's spelling."""

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta)
        self.backpropagate(gradient * self.activation.derivative())


class Noisy(Neuron):
    """Has no derivative."""

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight * self.uniform(0.5, 1.5)
        self.feedforward(total)

    def backward(self, messages):
        self.backpropagate(sum(m.input_gradient for m in messages))


def test_pushes_that_the_interpreter_alone_computes(network, batch, parameters) -> None:
    spec = network((2, Clipped, Identity()), (2, RBF, Identity()), cost=SquaredError())
    data = batch(np.ones((2, 2)), np.full((2, 2), 9.0, np.float32))
    found = gradient(Interpreter, spec, parameters(spec), data)
    assert 0 < np.abs(found).max() <= np.float32(0.1)
    with pytest.raises(NeuronError, match=r"Clipped\.backward uses m\.input_gradient") as caught:
        Compiled(spec, parameters(spec), parameters(spec), seed=0)
    assert caught.value.where is not None
    assert Compiled(spec, parameters(spec), parameters(spec), seed=0, training=False).predict(data.inputs).shape == (
        2,
        2,
    )


@pytest.mark.parametrize("kind", ENGINES)
def test_what_is_refused(kind: type[Engine], network) -> None:
    for sender, receiver, message in [
        (Paper, RBF, r"layer 0 \(Paper\) .* layer 1 \(RBF\): .*use m\.input_gradient and m\.weight_gradient"),
        (StandardNeuron, Noisy, r"m\.input_gradient cannot be derived .* a random draw.*learning_rule = \"local\""),
    ]:
        spec = network((2, sender, Identity()), (2, receiver, Identity()), cost=SquaredError())
        with pytest.raises(NeuronError, match=message):
            kind(spec, *np.zeros((2, spec.size), np.float32), seed=0)
        kind(spec, *np.zeros((2, spec.size), np.float32), seed=0, training=False)


class Normalized(StandardNeuron):
    """Its push depends on the sum of the gradients, the bias's on its own."""

    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient / (1.0 + abs(gradient)) + 0.1 * m.weight)
        self.backpropagate(gradient * self.activation.derivative())


def test_pushes_that_depend_on_the_sums_of_the_gradients(network, batch, parameters) -> None:
    layers = (3, Normalized, Identity()), (4, Normalized, Tanh()), (5, RBF, Identity())
    spec = network(*layers, cost=SquaredError())
    random = np.random.default_rng(1)
    data = batch(random.normal(size=(6, 3)), random.normal(size=(6, 5)).astype(np.float32))
    found, wanted = (gradient(kind, spec, parameters(spec), data) for kind in (Compiled, Interpreter))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ENGINES)
def test_in_float64(kind: type[Engine], network, batch) -> None:
    receiver = RECEIVERS[0]
    layers = (3, StandardNeuron, Identity()), (4, receiver.cls, receiver.activation)
    spec = network(*layers, cost=SquaredError(), precision=np.float64)
    random = np.random.default_rng(2)
    inputs, targets = random.normal(size=(5, 3)).astype(np.float32), random.normal(size=(5, 4)).astype(np.float32)
    flat = random.normal(size=spec.size)
    expected = differences(spec, [receiver.function], flat, inputs.astype(np.float64), targets)
    out = np.zeros(spec.size)
    kind(spec, flat, np.zeros_like(flat), seed=0).gradient(batch(inputs, targets), Rates(0, 1.0, 0.0), out)
    np.testing.assert_allclose(-out, expected, rtol=1e-6, atol=1e-8)


def test_explain_tells_how_derivatives_are_computed(network) -> None:
    spec = network(
        (3, StandardNeuron, Identity()), (4, RBF, Identity()), (2, StandardNeuron, Identity()), cost=SquaredError()
    )
    explanation = explain_network(spec, 5)
    kernels = [call.name for call in explanation.step if call.layer == 0 and call.kind == "kernel"]
    assert kernels == ["forward", "to_weights"]
    assert "lanes" in str(explanation)
    assert "not GEMM: the derivatives of the receivers' forward are no products" in str(explanation)
