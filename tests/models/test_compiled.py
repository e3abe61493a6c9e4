"""The compiled engine in training: it agrees with the interpreter, alone, in processes and with sub-models."""

import numpy as np
import pytest

from horn.models import NeuralNetwork, ScaledArray
from horn.neurons import CrossEntropy, DropoutNeuron, NeuronError, ReLU, Softmax, StandardNeuron


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"submodels": True},
        {"workers": 2},
        {"workers": 6, "processes": 2, "submodels": True},
    ],
    ids=str,
)
def test_both_engines_make_the_same_steps(build, task, same_weights, arguments):
    networks = [build(engine=engine, regularization=0.01, max_norm=2.0) for engine in ("interpreter", "compiled")]
    for nn in networks:
        nn.fit(*task, iterations=8, batch_size=12, validation=task, **arguments)
    assert same_weights(*networks, atol=1e-5)
    assert networks[0].history.loss == pytest.approx(networks[1].history.loss, rel=1e-4)
    assert networks[0].history.validation[0].accuracy == networks[1].history.validation[0].accuracy


@pytest.fixture(scope="module")
def pictures():
    """Two thousand pictures of ten kinds, as bytes."""
    random = np.random.default_rng(3)
    kinds = random.integers(0, 256, (10, 64))
    labels = random.integers(0, 10, 2000)
    pixels = np.clip(kinds[labels] + random.normal(0, 60, (2000, 64)), 0, 255).astype(np.uint8)
    return ScaledArray(pixels, 1 / 255), labels


def network():
    nn = NeuralNetwork(learning_rate=0.05, seed=2)
    nn.input_layer(64, keep=0.8)
    nn.add_layer(96, ReLU, DropoutNeuron)
    nn.output_layer(10, Softmax, StandardNeuron, cost=CrossEntropy)
    return nn


def test_twenty_workers_with_submodels_learn(pictures, same_weights):
    networks = [network(), network()]
    for nn in networks:
        nn.fit(*pictures, iterations=150, batch_size=100, workers=20, submodels=True)
    assert networks[0].evaluate(*pictures).accuracy > 0.95
    assert same_weights(*networks)  # the same bits


def test_twenty_workers_are_one_to_rounding(pictures, same_weights):
    alone, together = network(), network()
    alone.fit(*pictures, iterations=30, batch_size=100)
    together.fit(*pictures, iterations=30, batch_size=100, workers=20)
    assert same_weights(alone, together, atol=1e-5)


class Undefined(StandardNeuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weigth
        self.feedforward(total)


def test_a_mistake_in_a_neuron_is_reported_before_a_process_starts(task, monkeypatch):
    monkeypatch.setattr("horn.bsp.BSPJob.run", lambda self: pytest.fail("a job was started"))
    nn = NeuralNetwork()
    nn.input_layer(6)
    nn.add_layer(4, ReLU, Undefined)
    nn.output_layer(3, Softmax, cost=CrossEntropy)
    with pytest.raises(NeuronError, match="weigth") as caught:
        nn.fit(*task, iterations=1, batch_size=4, workers=2)
    assert __file__ in str(caught.value)
