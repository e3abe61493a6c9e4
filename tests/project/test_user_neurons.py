"""Neurons as a new user would write them, in a script outside of the checkout and without a main guard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = '''
import json
import math
import sys

import numpy as np

from horn.models import NeuralNetwork
from horn.neurons import CrossEntropy, Identity, Neuron, ReLU, Softmax, StandardNeuron


class NoisyReLU(StandardNeuron):
    """A rectifier whose sum is noisy while it trains."""

    noise = 0.1

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        if self.training:
            total += self.normal(0.0, self.noise)
        self.feedforward(self.activation(total))


def squash(x):
    return x / (1.0 + abs(x))


class OwnSquashing(Neuron):
    """A unit with its own squashing, x / (1 + |x|), and its slope written out."""

    def forward(self, messages):
        self.total = sum(m.input * m.weight for m in messages)
        self.feedforward(squash(self.total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        self.backpropagate(gradient / math.pow(1.0 + abs(self.total), 2))


class Decaying(StandardNeuron):
    """Weight decay in the push."""

    decay = 0.01

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            step = -self.learning_rate * m.weight_gradient
            self.push(step + self.momentum * m.prev_weight - self.learning_rate * self.decay * m.weight)
        self.backpropagate(gradient * self.activation.derivative())


class Impatient(StandardNeuron):
    """Sums until it has heard enough."""

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
            if total > 1.0:
                break
        self.feedforward(total)


class Crackling(StandardNeuron):
    """Has noise of its own in each message."""

    def forward(self, messages):
        self.feedforward(sum(m.input * m.weight * self.uniform(0.5, 1.5) for m in messages))


def network(engine, *hidden):
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.9, seed=4, engine=engine)
    nn.input_layer(6, neuron=Decaying)
    for units, neuron in hidden:
        nn.add_layer(units, ReLU, neuron)
    nn.output_layer(3, Softmax, StandardNeuron, cost=CrossEntropy)
    return nn


random = np.random.default_rng(0)
x = random.random((60, 6), dtype=np.float32)
y = x[:, :3].argmax(axis=1)
results = {}
for engine, workers in (("compiled", 2), ("interpreter", 1)):
    nn = network(engine, (5, NoisyReLU), (4, OwnSquashing), (4, Decaying))
    history = nn.fit(x, y, iterations=12, batch_size=12, workers=workers, verbose=0)
    stopping = network(engine, (4, Impatient))
    results[engine] = {
        "weights": [w.tolist() for w in nn.weights],
        "outputs": nn.predict(x).tolist(),
        "loss": history.loss,
        "impatient": stopping.predict(x).tolist(),
    }
try:
    network("compiled", (4, Crackling)).fit(x, y, iterations=1, batch_size=12, workers=2, verbose=0)
except TypeError as error:
    results["refused"] = str(error)
json.dump(results, open(sys.argv[1], "w"))
'''


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("user")
    (folder / "mine.py").write_text(SCRIPT)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, "-W", "error", "mine.py", "out.json"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(Path(folder, "out.json").read_text())


def test_two_workers_train_as_the_interpreter_does(results: dict) -> None:
    compiled, literal = results["compiled"], results["interpreter"]
    for ours, theirs in zip(compiled["weights"], literal["weights"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(compiled["outputs"], literal["outputs"], rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(compiled["loss"], literal["loss"], rtol=1e-4)


def test_training_changes_the_weights_for_the_better(results: dict) -> None:
    loss = results["compiled"]["loss"]
    assert np.mean(loss[-3:]) < np.mean(loss[:3])


def test_a_loop_that_ends_early_predicts(results: dict) -> None:
    np.testing.assert_array_equal(
        np.argmax(results["compiled"]["impatient"], axis=1), np.argmax(results["interpreter"]["impatient"], axis=1)
    )
    np.testing.assert_allclose(results["compiled"]["impatient"], results["interpreter"]["impatient"], rtol=1e-5)


def test_noise_in_each_message_is_not_trained_through(results: dict) -> None:
    assert "layer 0 (Decaying) cannot be trained through layer 1 (Crackling)" in results["refused"]
