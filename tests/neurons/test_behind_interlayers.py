"""Neurons behind a normalization that do more than hand their one message on: gradients in both engines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from horn.neurons import (
    Compiled,
    Dense,
    Engine,
    FunctionInterlayer,
    Identity,
    Interpreter,
    NetworkSpec,
    Neuron,
    Rates,
    SquaredError,
    StandardNeuron,
    Tanh,
)


class Indexed(Neuron):
    """Uses all that its message has, and an activation."""

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.input * m.weight + 0.5 * m.sender * m.input
        self.feedforward(self.activation(total))


class LastSine(Neuron):
    """Knows no weight, and keeps the last message."""

    def forward(self, messages):
        last = 0.0
        for m in messages:
            last = m.input
        self.feedforward(math.sin(last))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta)
        self.backpropagate(gradient)


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
@pytest.mark.parametrize(("cls", "activation"), [(Indexed, Tanh()), (LastSine, Identity())], ids=["indexed", "sine"])
def test_the_gradient_is_that_of_central_differences(kind: type[Engine], cls, activation, layer, batch) -> None:
    normalization = FunctionInterlayer(lambda output: output / (1.0 + (output * output).sum()))
    spec = NetworkSpec(
        (
            layer(3, StandardNeuron, Identity(), None),
            layer(4, StandardNeuron, Tanh(), Dense(bias=True)),
            layer(4, cls, activation, normalization),
            layer(2, StandardNeuron, Identity(), Dense(bias=True)),
        ),
        SquaredError(),
        precision=np.float64,
    )
    random = np.random.default_rng(6)
    data = batch(random.normal(size=(5, 3)), random.normal(size=(5, 2)))
    flat = random.normal(size=spec.size)

    def loss(parameters: np.ndarray) -> float:
        engine = kind(spec, parameters, np.zeros(spec.size), seed=0, training=False)
        return engine.score(data.inputs, data.targets).loss / 5

    steps = 1e-5 * np.eye(spec.size)
    expected = [(loss(flat + step) - loss(flat - step)) / 2e-5 for step in steps]
    found = np.empty(spec.size)
    kind(spec, flat, np.zeros(spec.size), seed=0).gradient(data, Rates(0, 1.0, 0.0), found)
    np.testing.assert_allclose(-found, expected, rtol=1e-6, atol=1e-8)
