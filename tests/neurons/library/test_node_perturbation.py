"""Node perturbation against the rule in NumPy with the same noise; on average it follows the gradient; it learns."""

from __future__ import annotations

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import SquaredError, Tanh, random
from horn.neurons.library import PerturbedNeuron, PerturbedOutput

SEED, SIGMA, UNITS = 9, 0.125, (3, 4, 2)


def perturbed(engine: str = "compiled", rate: float = 0.1, sigma: float = SIGMA, bias: bool = True) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=rate, momentum=0.0, seed=SEED, engine=engine)
    nn.input_layer(UNITS[0], neuron=PerturbedNeuron, sigma=sigma)
    nn.add_layer(UNITS[1], Tanh, PerturbedNeuron, sigma=sigma, bias=bias)
    nn.output_layer(UNITS[2], Tanh, PerturbedOutput, cost=SquaredError, sigma=sigma, bias=bias)
    return nn


@pytest.fixture
def examples() -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of 40 examples."""
    generator = np.random.default_rng(1)
    x, targets = generator.normal(size=(40, UNITS[0])), generator.uniform(-1, 1, size=(40, UNITS[2]))
    return x.astype(np.float32), targets.astype(np.float32)


def signs(nn: NeuralNetwork, layer: int, step: int, count: int) -> np.ndarray:
    """Which way the noise of a layer's neurons went, shape (examples, units)."""
    word, key = np.uint32, random.key(SEED, random.TRAIN)
    first = nn.spec.first_id(layer) + 1
    draws = [
        [random.binomial_of(random.word(word(first + unit), word(e), word(step), word(random.FORWARD), *key), 1, 0.5)
         for unit in range(UNITS[layer])]
        for e in range(count)
    ]  # fmt: skip
    return 2.0 * np.array(draws) - 1.0


def test_the_rule_is_that_of_numpy(examples, by_both_engines):
    x, targets = examples
    start = perturbed()
    blocks = [np.insert(w.astype(np.float64), 0, 0.0, axis=0) for w in start.weights]
    baselines = [0.0, 0.0]  # every neuron of a layer hears the same
    for step in range(4):
        rows = slice(10 * step, 10 * step + 10)
        values, noise = [x[rows].astype(np.float64)], []
        for layer in (1, 2):
            noise.append(signs(start, layer, step, 10))
            sums = np.insert(values[-1], 0, 1.0, axis=1) @ blocks[layer - 1] + SIGMA * noise[-1]
            values.append(np.tanh(sums))
        cost = (0.5 * (values[-1] - targets[rows]) ** 2).mean(axis=1)
        for layer in (0, 1):
            known = cost - baselines[layer]
            blocks[layer][1:] -= 0.1 * values[layer].T @ (known[:, None] * noise[layer]) / SIGMA / 10
            blocks[layer][0] -= 0.1 * (cost[:, None] * noise[layer]).mean(axis=0) / SIGMA
            baselines[layer] += 0.1 * known.mean()
    nn = by_both_engines(perturbed, x, targets, 4, 10)
    for layer in (0, 1):
        np.testing.assert_allclose(nn.weights[layer], blocks[layer][1:], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(nn.biases[layer], blocks[layer][0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(nn.states[layer]["baseline"], baselines[layer], rtol=1e-5)


def test_the_mean_update_follows_the_gradient(examples):
    """20,000 draws at one example: the neurons know its cost by then, so that what is left is the noise's part."""
    x, targets = (np.repeat(values[:1], 20_000, axis=0) for values in examples)
    nn = perturbed(rate=0.0, sigma=0.03125, bias=False)
    nn.fit(x, targets, epochs=60, batch_size=20_000, shuffle=False, verbose=0)
    before = [w.astype(np.float64) for w in nn.weights]

    hidden = np.tanh(x[0] @ before[0])
    output = np.tanh(hidden @ before[1])
    delta = (output - targets[0]) * (1 - output**2) / len(output)  # of the mean over the outputs
    gradients = [np.outer(x[0], before[1] @ delta * (1 - hidden**2)), np.outer(hidden, delta)]

    nn.learning_rate = 1.0
    nn.fit(x, targets, iterations=1, batch_size=20_000, shuffle=False, verbose=0)
    for w, old, gradient in zip(nn.weights, before, gradients, strict=True):
        np.testing.assert_allclose(old - w, gradient, atol=0.05 * np.abs(gradient).max())


def test_it_learns_exclusive_or():
    x = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float32)
    targets = np.where(x[:, :1] != x[:, 1:], 0.8, -0.8)
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.0, seed=1)
    nn.input_layer(2, neuron=PerturbedNeuron)
    nn.add_layer(8, Tanh, PerturbedNeuron)
    nn.output_layer(1, Tanh, PerturbedOutput, cost=SquaredError)
    nn.fit(np.tile(x, (10, 1)), np.tile(targets, (10, 1)), epochs=2000, batch_size=40, verbose=0)
    np.testing.assert_allclose(nn.predict(x), targets, atol=0.2)
