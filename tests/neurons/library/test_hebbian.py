"""Hebb, Oja and Sanger against the same rules in NumPy, and the principal components that they learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import Identity, Neuron, SquaredError
from horn.neurons.library import HebbNeuron, OjaNeuron, SangerNeuron

RATE = 0.05


def hebb(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return x.T @ y / len(x)


def oja(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return x.T @ y / len(x) - (y**2).mean(0) * w


def sanger(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return x.T @ y / len(x) - w @ np.triu(y.T @ y / len(x))


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    """Points around 0 whose principal components stand out: variances 4, 1, 1/4, … times 0.25."""
    random = np.random.default_rng(8)
    points = random.normal(size=(400, 5)) * 0.5 ** np.arange(5) @ np.linalg.qr(random.normal(size=(5, 5)))[0]
    return (points - points.mean(0)).astype(np.float32)


def layer_of(cls: type[Neuron], units: int = 3) -> Callable[..., NeuralNetwork]:
    def build(engine: str = "compiled", rate: float = RATE) -> NeuralNetwork:
        nn = NeuralNetwork(learning_rate=rate, momentum=0.0, seed=5, engine=engine)
        nn.input_layer(5, neuron=cls)
        nn.output_layer(units, Identity, cls, cost=SquaredError, bias=False)
        return nn

    return build


@pytest.mark.parametrize(
    ("cls", "rule"), [(HebbNeuron, hebb), (OjaNeuron, oja), (SangerNeuron, sanger)], ids=lambda value: value.__name__
)
def test_the_rule_is_that_of_numpy(cls, rule, cloud, by_both_engines):
    nothing = np.zeros((len(cloud), 3))
    w = layer_of(cls)().weights[0].astype(np.float64)
    for start in range(0, 40, 10):
        x = cloud[start : start + 10].astype(np.float64)
        w += RATE * rule(x, x @ w, w)
    nn = by_both_engines(layer_of(cls), cloud, nothing, 4, 10)
    np.testing.assert_allclose(nn.weights[0], w, rtol=1e-5, atol=1e-6)


@pytest.fixture
def learned(cloud) -> Callable[..., np.ndarray]:
    """``learned(cls, units, epochs)``: the weights in the basis of the principal components, a column for each unit."""

    def train(cls: type[Neuron], units: int, epochs: int) -> np.ndarray:
        nn = layer_of(cls, units)(rate=0.02)
        nn.fit(cloud, np.zeros((len(cloud), units)), epochs=epochs, batch_size=10, verbose=0)
        components = np.linalg.svd(cloud, full_matrices=False)[2]
        return components @ nn.weights[0]

    return train


def test_every_neuron_of_oja_learns_the_first_principal_component(learned):
    w = learned(OjaNeuron, 3, 50)
    np.testing.assert_allclose(np.abs(w[0]), 1.0, atol=0.02)
    np.testing.assert_allclose(w[1:], 0.0, atol=0.05)


def test_the_neurons_of_sanger_learn_one_component_after_the_other(learned):
    np.testing.assert_allclose(np.abs(learned(SangerNeuron, 3, 300)), np.eye(5)[:, :3], atol=0.05)


def test_hebb_learns_the_direction_and_grows(learned):
    w = learned(HebbNeuron, 2, 20)
    lengths = np.linalg.norm(w, axis=0)
    np.testing.assert_allclose(np.abs(w[0] / lengths), 1.0, atol=1e-3)
    assert lengths.min() > 100.0
