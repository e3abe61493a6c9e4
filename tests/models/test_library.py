"""All neurons of the library: the same for any number of workers, in both precisions; files keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import DropConnectNeuron, Identity, Neuron, ReLU, SquaredError, Tanh, library
from horn.neurons.library import (
    GatedNeuron,
    GoodnessNeuron,
    GoodnessSender,
    HebbNeuron,
    HiddenGoodness,
    MaxoutNeuron,
    OjaNeuron,
    Perceptron,
    PerturbedNeuron,
    PerturbedOutput,
    Polarity,
    RBFNeuron,
    SangerNeuron,
    SpikingNeuron,
    Threshold,
)

FEATURES, OUTPUTS = 6, 3
Builder = Callable[..., NeuralNetwork]


def one_layer(cls: type[Neuron], activation: type) -> Builder:
    def build(**arguments: object) -> NeuralNetwork:
        nn = NeuralNetwork(learning_rate=0.1, momentum=0.0, seed=4, **arguments)
        nn.input_layer(FEATURES, neuron=cls)
        nn.output_layer(OUTPUTS, activation, cls, cost=SquaredError)
        return nn

    return build


def node_perturbation(**arguments: object) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.0, seed=4, **arguments)
    nn.input_layer(FEATURES, neuron=PerturbedNeuron)
    nn.add_layer(5, Tanh, PerturbedNeuron)
    nn.output_layer(OUTPUTS, Tanh, PerturbedOutput, cost=SquaredError)
    return nn


def forward_forward(**arguments: object) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.0, seed=4, **arguments)
    nn.input_layer(FEATURES, neuron=GoodnessSender)
    nn.add_layer(16, ReLU, GoodnessNeuron, interlayer=HiddenGoodness, interlayer_neuron=GoodnessSender)
    nn.output_layer(OUTPUTS, ReLU, GoodnessNeuron, cost=Polarity)
    return nn


def by_gradient(**arguments: object) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.5, seed=4, **arguments)
    nn.input_layer(FEATURES)
    nn.add_layer(8, Identity, SpikingNeuron, steps=4)
    nn.add_layer(7, Identity, RBFNeuron, width=0.8)
    nn.add_layer(6, Identity, MaxoutNeuron)
    nn.add_layer(5, Identity, GatedNeuron)
    nn.output_layer(OUTPUTS, Identity, cost=SquaredError)
    return nn


def drop_connect(**arguments: object) -> NeuralNetwork:
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.5, seed=4, **arguments)
    nn.input_layer(FEATURES)
    nn.add_layer(8, Tanh, DropConnectNeuron, keep=0.7)
    nn.output_layer(OUTPUTS, Identity, cost=SquaredError)
    return nn


NETWORKS = {
    "hebb": one_layer(HebbNeuron, Tanh),
    "oja": one_layer(OjaNeuron, Identity),
    "sanger": one_layer(SangerNeuron, Identity),
    "perceptron": one_layer(Perceptron, Threshold),
    "node perturbation": node_perturbation,
    "forward-forward": forward_forward,
    "drop connect": drop_connect,
    "by gradient": by_gradient,
}


@pytest.fixture
def examples() -> tuple[np.ndarray, np.ndarray]:
    """Sixty examples with targets of 1 and -1."""
    random = np.random.default_rng(12)
    x = random.normal(size=(60, FEATURES)).astype(np.float32)
    return x, np.sign(x[:, :1] + x[:, 1:2]).repeat(OUTPUTS, axis=1)


def flat(nn: NeuralNetwork) -> np.ndarray:
    arrays = [*nn.weights, *(bias for bias in nn.biases if bias is not None)]
    return np.concatenate([array.ravel() for array in arrays])


def some(*often: str, never: str | None = None) -> list[Any]:
    """All networks but one, of which only some are tried in every run, and the others in soaks: they take long."""
    return [
        pytest.param(build, id=name, marks=[] if name in often else [pytest.mark.soak])
        for name, build in NETWORKS.items()
        if name != never
    ]


@pytest.mark.parametrize("build", some("hebb", "perceptron", "forward-forward", "by gradient"))
def test_workers_and_files_make_no_difference(build: Builder, examples, tmp_path) -> None:
    alone, together = build(), build()
    before = flat(alone).copy()
    alone.fit(*examples, epochs=2, batch_size=20, verbose=0)
    together.fit(*examples, epochs=2, batch_size=20, workers=4, processes=2, verbose=0)
    assert np.abs(flat(alone) - before).max() > 1e-3
    np.testing.assert_allclose(flat(together), flat(alone), rtol=0, atol=2e-6)
    path = tmp_path / "model.safetensors"
    alone.save(path)
    again = NeuralNetwork.load(path)
    np.testing.assert_array_equal(again.predict(examples[0]), alone.predict(examples[0]))


# Those by gradient are in tests/neurons/compiler/test_float64.py.
@pytest.mark.parametrize("build", some("oja", "perceptron", "node perturbation", never="by gradient"))
def test_precision_makes_no_difference(build: Builder, examples) -> None:
    single, double = build(), build(precision="float64")
    for nn in (single, double):
        nn.fit(*examples, epochs=2, batch_size=20, verbose=0)
    np.testing.assert_allclose(flat(double), flat(single), rtol=0, atol=2e-6)


def test_no_neuron_of_the_library_is_left_out() -> None:
    layers = [layer for build in NETWORKS.values() for layer in build().spec.layers]
    exported = [getattr(library, name) for name in library.__all__]
    assert {thing for thing in exported if issubclass(thing, Neuron)} <= {layer.neuron for layer in layers}
