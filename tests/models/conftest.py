"""Small networks and small tasks."""

from collections.abc import Callable

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import CrossEntropy, DropoutNeuron, Softmax, StandardNeuron, Tanh

FEATURES, CLASSES = 6, 3


@pytest.fixture
def build() -> Callable[..., NeuralNetwork]:
    """Build a network of 6-5-3 with dropout, run by the interpreter; arguments are the network's."""

    def network(**arguments: object) -> NeuralNetwork:
        nn = NeuralNetwork(**{"learning_rate": 0.1, "momentum": 0.9, "seed": 3, "engine": "interpreter", **arguments})
        nn.input_layer(FEATURES, keep=0.8)
        nn.add_layer(5, Tanh, DropoutNeuron, keep=0.5)
        nn.output_layer(CLASSES, Softmax, StandardNeuron, cost=CrossEntropy)
        return nn

    return network


@pytest.fixture
def task() -> tuple[np.ndarray, np.ndarray]:
    """Forty examples: which of the first three features is the largest."""
    x = np.random.default_rng(5).normal(size=(40, FEATURES)).astype(np.float32)
    return x, x[:, :CLASSES].argmax(axis=1)


@pytest.fixture
def same_weights() -> Callable[..., bool]:
    """Whether two networks have the same parameters: the same bits, or to a tolerance."""

    def same(one: NeuralNetwork, other: NeuralNetwork, atol: float = 0.0) -> bool:
        pairs = [*zip(one.weights, other.weights, strict=True), *zip(one.biases, other.biases, strict=True)]
        return all(a is b is None or np.allclose(a, b, rtol=0, atol=atol) for a, b in pairs)

    return same
