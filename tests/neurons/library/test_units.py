"""RBF, maxout and gated neurons: training is gradient descent in the same function in NumPy; what each is good at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import Identity, Neuron, SquaredError
from horn.neurons.library import GatedNeuron, MaxoutNeuron, RBFNeuron

RATE, SENDERS, UNITS = 0.25, 4, 5
Function = Callable[[np.ndarray, np.ndarray], np.ndarray]


def rbf(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * ((x[:, :, None] - w) ** 2).sum(axis=1))


def maxout(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return (x[:, :, None] * w).max(axis=1)


def gated(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return x[:, :2] @ w[:2] / (1 + np.exp(-x[:, 2:] @ w[2:]))


def network(cls: type[Neuron], engine: str = "compiled", **numbers: float) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=RATE, momentum=0.0, seed=7, engine=engine)
    nn.input_layer(SENDERS)
    nn.add_layer(UNITS, Identity, cls, **numbers)
    nn.output_layer(2, Identity, cost=SquaredError)
    return nn


def descent(function: Function, start: NeuralNetwork, x: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Weights and bias after one step on these examples, by central differences of the loss."""
    flat = np.concatenate([start.weights[0].ravel(), start.weights[1].ravel(), start.biases[1]]).astype(np.float64)
    cuts = [SENDERS * UNITS, SENDERS * UNITS + 2 * UNITS]

    def loss(parameters: np.ndarray) -> float:
        first, second, bias = np.split(parameters, cuts)
        outputs = function(x, first.reshape(SENDERS, UNITS)) @ second.reshape(UNITS, 2) + bias
        return 0.5 * ((outputs - targets) ** 2).sum() / len(x)

    steps = 1e-6 * np.eye(flat.size)
    gradient = np.array([(loss(flat + step) - loss(flat - step)) / 2e-6 for step in steps])
    return np.split(flat - RATE * gradient, cuts)


@pytest.mark.parametrize(
    ("cls", "function"),
    [(RBFNeuron, rbf), (MaxoutNeuron, maxout), (GatedNeuron, gated)],
    ids=["RBF", "maxout", "gated"],
)
def test_training_is_gradient_descent(cls, function, by_both_engines):
    generator = np.random.default_rng(11)
    x = generator.normal(size=(30, SENDERS)).astype(np.float32)
    targets = generator.normal(size=(30, 2)).astype(np.float32)
    reference = network(cls)
    for start in (0, 10, 20):
        rows = slice(start, start + 10)
        first, second, bias = descent(function, reference, x[rows].astype(np.float64), targets[rows])
        reference.weights[0][:], reference.weights[1][:] = first.reshape(SENDERS, UNITS), second.reshape(UNITS, 2)
        reference.biases[1][:] = bias
    nn = by_both_engines(lambda engine: network(cls, engine), x, targets, 3, 10)
    for w, expected in zip(nn.weights, reference.weights, strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(nn.biases[1], reference.biases[1], rtol=1e-4, atol=1e-5)


def bump(x: np.ndarray) -> np.ndarray:
    return np.exp(-4 * (x[:, :2] ** 2).sum(axis=1))


def largest(x: np.ndarray) -> np.ndarray:
    return np.abs(x).max(axis=1)


def choice(x: np.ndarray) -> np.ndarray:
    return np.where(x[:, 2] > 0, x[:, 0], x[:, 1])


@pytest.mark.parametrize(
    ("cls", "function", "numbers"),
    [(RBFNeuron, bump, {"width": 0.7}), (MaxoutNeuron, largest, {}), (GatedNeuron, choice, {})],
    ids=["RBF", "maxout", "gated"],
)
def test_a_layer_learns_what_no_line_fits(cls, function, numbers):
    """The best linear function leaves at least half of the variance, the layer a quarter of what that leaves."""
    x = np.random.default_rng(4).uniform(-1, 1, size=(400, SENDERS)).astype(np.float32)
    wanted = function(x)
    rows = np.insert(x, 0, 1.0, axis=1)
    linear = wanted - rows @ np.linalg.lstsq(rows, wanted)[0]
    assert linear.var() > 0.3 * wanted.var()

    nn = NeuralNetwork(learning_rate=0.05, momentum=0.9, seed=2)
    nn.input_layer(SENDERS)
    nn.add_layer(24, Identity, cls, **numbers)
    nn.output_layer(1, Identity, cost=SquaredError)
    nn.fit(x, wanted[:, None], epochs=200, batch_size=10, verbose=0)
    assert np.mean((nn.predict(x)[:, 0] - wanted) ** 2) < 0.25 * linear.var()
