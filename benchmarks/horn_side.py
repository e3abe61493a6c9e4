"""Horn's side of the comparison: the MNIST network, and a training step of any network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from horn.models import NeuralNetwork
from horn.neurons import (
    Activation,
    Batch,
    Compiled,
    CrossEntropy,
    DropoutNeuron,
    Neuron,
    Rates,
    ReLU,
    Softmax,
    StandardNeuron,
)


def mnist_network(hidden: type[Neuron] = DropoutNeuron, activation: type[Activation] = ReLU) -> NeuralNetwork:
    """The network of the Horn paper's experiment, 784-512-512-10, its hidden neurons of any class."""
    nn = NeuralNetwork(learning_rate=0.01, momentum=0.9, seed=1)
    nn.input_layer(784, keep=0.8)
    nn.add_layer(512, activation, hidden)
    nn.add_layer(512, activation, hidden)
    nn.output_layer(10, Softmax, StandardNeuron, cost=CrossEntropy)
    return nn


def engine_step(nn: NeuralNetwork, batch: int, *, classes: int = 0, submodel: bool = False) -> Callable[[], object]:
    """A training step of the compiled network on a random batch that lies ready.

    Args:
        nn: the network.
        batch: number of examples.
        classes: targets are labels of so many classes; 0: zeros for every output.
        submodel: one mask for the batch in place of one per example.
    """
    spec, rng = nn.spec, np.random.default_rng(1)
    parameters = rng.normal(scale=0.05, size=spec.size).astype(np.float32)
    engine = Compiled(spec, parameters, np.zeros_like(parameters), seed=1)
    positions = np.arange(batch, dtype=np.uint32)
    lanes = np.zeros_like(positions) if submodel else positions
    inputs = rng.random((batch, spec.layers[0].units), np.float32)
    targets = rng.integers(0, classes, batch) if classes else np.zeros((batch, spec.layers[-1].units), np.float32)
    part = Batch(inputs, targets, positions, lanes, batch)
    steps = iter(range(1 << 31))
    return lambda: engine.step(part, Rates(next(steps), 0.01, 0.9))
