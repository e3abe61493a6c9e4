"""The spiking neuron: its rate, its surrogate gradient against NumPy, and digits."""

from __future__ import annotations

import numpy as np

from horn.models import NeuralNetwork
from horn.neurons import CrossEntropy, Identity, Softmax, SquaredError
from horn.neurons.library import SpikingNeuron

STEPS, LEAK, THRESHOLD, STEEPNESS, RATE = 6, 0.75, 1.25, 3.0, 0.25


def spiking(engine: str = "compiled") -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=RATE, momentum=0.0, seed=4, engine=engine)
    nn.input_layer(5)
    nn.add_layer(
        6, Identity, SpikingNeuron, steps=STEPS, leak=LEAK, threshold=THRESHOLD, steepness=STEEPNESS
    )  # fmt: skip
    nn.output_layer(2, Identity, cost=SquaredError)
    return nn


def simulate(current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Firing rates, and their surrogate slopes: the whole history first, then back through time."""
    v, potentials, spikes = np.zeros_like(current), [], []
    for _ in range(STEPS):
        v = LEAK * v + current
        potentials.append(v)
        spikes.append(v > THRESHOLD)
        v = v - THRESHOLD * spikes[-1]
    slope, later = np.zeros_like(current), np.zeros_like(current)  # ∂rate/∂I, ∂rate/∂v after the step
    for v in reversed(potentials):
        surrogate = 1 / (1 + STEEPNESS * np.abs(v - THRESHOLD)) ** 2
        at_step = surrogate / STEPS + later * (1 - THRESHOLD * surrogate)
        slope += at_step
        later = LEAK * at_step
    return np.mean(spikes, axis=0), slope


def test_the_surrogate_gradient_is_that_of_numpy(by_both_engines):
    generator = np.random.default_rng(6)
    x, targets = generator.normal(size=(40, 5)).astype(np.float32), generator.normal(size=(40, 2)).astype(np.float32)
    first, second = (np.insert(w.astype(np.float64), 0, 0.0, axis=0) for w in spiking().weights)
    for start in range(0, 40, 10):
        rows = np.insert(x[start : start + 10].astype(np.float64), 0, 1.0, axis=1)
        rates, slopes = simulate(rows @ first)
        hidden = np.insert(rates, 0, 1.0, axis=1)
        delta = hidden @ second - targets[start : start + 10]
        back = delta @ second[1:].T * slopes
        second -= RATE * hidden.T @ delta / 10
        first -= RATE * rows.T @ back / 10
    nn = by_both_engines(spiking, x, targets, 4, 10)
    np.testing.assert_allclose(nn.weights[0], first[1:], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(nn.weights[1], second[1:], rtol=1e-4, atol=1e-5)


def test_a_neuron_fires_at_the_rate_of_its_current():
    """Without a leak, v gains I in each step and loses the threshold in each spike: the rate is I / threshold."""
    nn = NeuralNetwork()
    nn.input_layer(1)
    nn.output_layer(1, Identity, SpikingNeuron, cost=SquaredError, leak=1.0, steps=64)
    nn.weights[0][:] = 1.0
    currents = np.array([[-1.0], [0.0], [0.25], [0.5], [0.75]], np.float32)
    np.testing.assert_allclose(nn.predict(currents), np.maximum(currents, 0.0), atol=1 / 64)


def test_spiking_neurons_learn_the_digits(handwritten):
    x, y, x_test, y_test = handwritten
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.9, seed=1)
    nn.input_layer(64)
    nn.add_layer(48, Identity, SpikingNeuron)
    nn.output_layer(10, Softmax, cost=CrossEntropy)
    nn.fit(x, y, epochs=10, batch_size=20, verbose=0)
    assert nn.evaluate(x_test, y_test).accuracy > 0.93
