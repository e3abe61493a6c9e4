"""Fifty steps of a whole network against formulas in float64."""

import numpy as np
import pytest

from horn.models import LinearSchedule, NeuralNetwork
from horn.neurons import CrossEntropy, ReLU, Softmax

SIZES, BATCH, STEPS, MOMENTUM = (20, 16, 12, 4), 25, 50, 0.9


def gradients(weights, biases, x, y):
    """Back-propagation of softmax and cross entropy through ReLU layers, mean over the batch."""
    outputs = [x]
    for w, b in zip(weights, biases, strict=True):
        outputs.append(outputs[-1] @ w + b)
        if len(outputs) <= len(weights):
            outputs[-1] = np.maximum(outputs[-1], 0)
    powers = np.exp(outputs[-1] - outputs[-1].max(axis=1, keepdims=True))
    delta = (powers / powers.sum(axis=1, keepdims=True) - np.eye(SIZES[-1])[y]) / len(x)
    found = []
    for layer in reversed(range(len(weights))):
        found.insert(0, (outputs[layer].T @ delta, delta.sum(axis=0)))
        delta = (delta @ weights[layer].T) * (outputs[layer] > 0)
    return found


@pytest.mark.parametrize("arguments", [{}, {"workers": 2}, {"workers": 3, "processes": 2}], ids=str)
def test_fifty_steps(arguments):
    random = np.random.default_rng(0)
    x = random.normal(size=(200, SIZES[0])).astype(np.float32)
    y = (x @ random.normal(size=(SIZES[0], SIZES[-1]))).argmax(axis=1)
    nn = NeuralNetwork(learning_rate=LinearSchedule(0.1), momentum=MOMENTUM)
    nn.input_layer(SIZES[0])
    for units in SIZES[1:-1]:
        nn.add_layer(units, ReLU)
    nn.output_layer(SIZES[-1], Softmax, cost=CrossEntropy)
    weights = [w.astype(np.float64) for w in nn.weights]
    biases = [b.astype(np.float64) for b in nn.biases]
    changes = [(np.zeros_like(w), np.zeros_like(b)) for w, b in zip(weights, biases, strict=True)]

    nn.fit(x, y, iterations=STEPS, batch_size=BATCH, shuffle=False, **arguments)

    for step in range(STEPS):
        rows = slice(step * BATCH % len(x), step * BATCH % len(x) + BATCH)
        rate = 0.1 * (1 - step / STEPS)
        pushed = gradients(weights, biases, x[rows].astype(np.float64), y[rows])
        changes = [
            (MOMENTUM * dw - rate * gw, MOMENTUM * db - rate * gb)
            for (dw, db), (gw, gb) in zip(changes, pushed, strict=True)
        ]
        weights = [w + dw for w, (dw, _) in zip(weights, changes, strict=True)]
        biases = [b + db for b, (_, db) in zip(biases, changes, strict=True)]
    for mine, oracle in zip([*nn.weights, *nn.biases], [*weights, *biases], strict=True):
        assert np.allclose(mine, oracle, atol=1e-4)
    assert nn.history.loss[-1] < nn.history.loss[0] / 2
