"""What the benchmarks of training share: how much is measured, the data, the network, a step's time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from horn_side import mnist_network

from horn.models import Dataset, History, LinearSchedule, NeuralNetwork, ScaledArray
from horn.neurons import CrossEntropy, DropoutNeuron, ReLU, Softmax, StandardNeuron

BATCH = 100


@dataclass(frozen=True)
class Amount:
    """How much is measured.

    Attributes:
        iterations: steps of a job whose steps are timed.
        turns: how often rivals take turns.
        long: steps of a whole training.
        seeds: seeds of the accuracy.
    """

    iterations: int
    turns: int
    long: int
    seeds: int


FULL = Amount(iterations=400, turns=3, long=10_000, seeds=5)
QUICK = Amount(iterations=30, turns=1, long=60, seeds=1)
"""Enough to see that everything runs; the figures say nothing."""


def images(count: int = 60_000) -> tuple[ScaledArray, np.ndarray[Any, Any]]:
    """Random images and labels of MNIST's shape."""
    random = np.random.default_rng(1)
    return ScaledArray(random.integers(0, 256, (count, 784), np.uint8), 1 / 255), random.integers(0, 10, count)


def train(iterations: int, network: NeuralNetwork | None = None, **settings: Any) -> History:
    """Train on random images."""
    nn = network if network is not None else mnist_network()
    return nn.fit(*images(), iterations=iterations, batch_size=BATCH, verbose=0, **settings)


def step_time(history: History) -> float:
    """Median seconds of a step, the first fifth left out."""
    return float(np.median(np.diff(history.time[len(history) // 5 :])))


def learner(data: Dataset, seed: int) -> NeuralNetwork:
    """The MNIST network as it learns best here: rate 0.1 falling linearly to 0, momentum 0.9."""
    nn = NeuralNetwork(learning_rate=LinearSchedule(0.1), momentum=0.9, seed=seed)
    nn.input_layer(data.x_train.shape[1], keep=0.8)
    nn.add_layer(512, ReLU, DropoutNeuron)
    nn.add_layer(512, ReLU, DropoutNeuron)
    nn.output_layer(data.classes, Softmax, StandardNeuron, cost=CrossEntropy)
    return nn
