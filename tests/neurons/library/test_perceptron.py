"""The perceptron against Rosenblatt's rule in NumPy, and what it can and cannot learn."""

from __future__ import annotations

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import SquaredError
from horn.neurons.library import Perceptron, Threshold


def perceptron(engine: str = "compiled", units: int = 2) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=0.25, momentum=0.0, seed=2, engine=engine)
    nn.input_layer(2, neuron=Perceptron)
    nn.output_layer(units, Threshold, Perceptron, cost=SquaredError)
    return nn


@pytest.fixture
def separable() -> tuple[np.ndarray, np.ndarray]:
    """Points with a gap along two lines, and on which side of each they lie."""
    random = np.random.default_rng(3)
    points = random.uniform(-1, 1, size=(200, 2)).astype(np.float32)
    distances = np.stack([points[:, 0] + points[:, 1] - 0.3, points[:, 0] - 0.5 * points[:, 1] + 0.2], axis=1)
    clear = (np.abs(distances) > 0.1).all(axis=1)
    return points[clear], (distances[clear] > 0).astype(np.float32)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_the_rule_is_that_of_numpy(separable, by_both_engines, batch_size):
    x, targets = separable
    w = np.vstack([np.zeros((1, 2)), perceptron().weights[0]]).astype(np.float64)
    for start in range(0, 12 * batch_size, batch_size):
        rows = np.insert(x[start : start + batch_size].astype(np.float64), 0, 1.0, axis=1)
        w += 0.25 * rows.T @ (targets[start : start + batch_size] - (rows @ w > 0)) / batch_size
    nn = by_both_engines(perceptron, x, targets, 12, batch_size)
    np.testing.assert_allclose(np.vstack([nn.biases[0], nn.weights[0]]), w, rtol=1e-5, atol=1e-6)


def test_it_separates_what_a_line_can_separate_and_then_rests(separable):
    x, targets = separable
    nn = perceptron()
    nn.fit(x, targets, epochs=60, batch_size=1, verbose=0)
    np.testing.assert_array_equal(nn.predict(x), targets)
    before = nn.weights[0].copy()
    nn.fit(x, targets, epochs=1, batch_size=1, verbose=0)
    np.testing.assert_array_equal(nn.weights[0], before)


def test_exclusive_or_is_beyond_it():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    targets = (x[:, :1] != x[:, 1:]).astype(np.float32)
    nn = perceptron(units=1)
    nn.fit(x, targets, epochs=100, batch_size=1, verbose=0)
    assert (nn.predict(x) != targets).any()
