"""Forward-forward against NumPy, layer by layer, and on the digits."""

from __future__ import annotations

import numpy as np

from horn.models import NeuralNetwork
from horn.neurons import ReLU
from horn.neurons.library import GoodnessNeuron, GoodnessSender, HiddenGoodness, Polarity

RATE, CLASSES = 0.03125, 10


def forward_forward(
    engine: str = "compiled", inputs: int = 6, units: int = 16, seed: int = 3, rate: float = RATE
) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=rate, momentum=0.0, seed=seed, engine=engine)
    nn.input_layer(inputs, neuron=GoodnessSender)
    nn.add_layer(units, ReLU, GoodnessNeuron, interlayer=HiddenGoodness(), interlayer_neuron=GoodnessSender)
    nn.output_layer(units, ReLU, GoodnessNeuron, cost=Polarity)
    return nn


def test_each_layer_follows_its_own_goodness(by_both_engines):
    generator = np.random.default_rng(2)
    x = generator.normal(size=(40, 6)).astype(np.float32)
    t = np.where(generator.random(40) < 0.5, 1.0, -1.0)
    blocks = [np.insert(w.astype(np.float64), 0, 0.0, axis=0) for w in forward_forward().weights]
    for start in range(0, 40, 10):
        values = x[start : start + 10].astype(np.float64)
        sign = t[start : start + 10, None]
        for block in blocks:
            rows = np.insert(values, 0, 1.0, axis=1)
            y = np.maximum(rows @ block, 0.0)
            assert (y.any(axis=1)).all()  # no silent layer
            goodness = (y**2).mean(axis=1, keepdims=True)
            block += RATE * rows.T @ (sign * y / (1.0 + np.exp(sign * (goodness - 2.0)))) / 10
            values = y / np.sqrt(goodness)
    nn = by_both_engines(forward_forward, x, np.repeat(t[:, None], 16, axis=1), 4, 10)
    for w, bias, block in zip(nn.weights, nn.biases, blocks, strict=True):
        np.testing.assert_allclose(np.vstack([bias, w]), block, rtol=1e-4, atol=1e-5)


def test_a_silent_layer_teaches_nothing():
    nn = forward_forward()
    nn.biases[1][:] = -100.0
    before = [w.copy() for w in nn.weights]
    nn.fit(np.ones((4, 6)), np.ones((4, 16)), iterations=2, batch_size=4, verbose=0)
    for w, old in zip(nn.weights, before, strict=True):
        np.testing.assert_array_equal(w, old)


def labelled(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.hstack([np.eye(CLASSES, dtype=np.float32)[labels], x])


def test_it_learns_the_digits(handwritten):
    x, y, x_test, y_test = handwritten
    generator = np.random.default_rng(0)
    nn = forward_forward(inputs=CLASSES + 64, units=64, seed=1)
    targets = np.repeat([1.0, -1.0], len(x))[:, None].repeat(64, axis=1)
    for _ in range(25):
        wrong = (y + generator.integers(1, CLASSES, len(y))) % CLASSES
        nn.fit(np.vstack([labelled(x, y), labelled(x, wrong)]), targets, epochs=1, batch_size=20, verbose=0)
    goodness = [(nn.predict(labelled(x_test, np.full(len(x_test), k))) ** 2).mean(axis=1) for k in range(CLASSES)]
    assert (np.argmax(goodness, axis=0) == y_test).mean() > 0.8
