"""Learning rules and other neurons of `horn.neurons.library`: each on a small task, and in a line what it learned.

    python learning_rules.py                    all of them
    python learning_rules.py Hebb Oja spiking   some

Their classes are a few lines each, written as yours would be: see docs/learning_rules.md.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from horn.models import NeuralNetwork
from horn.models.data import digits
from horn.neurons import CrossEntropy, Identity, Neuron, ReLU, Softmax, SquaredError, Tanh
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

Array = NDArray[np.float32]

data = digits()
x, y, x_test, y_test = data.x_train[:], data.y_train, data.x_test[:], data.y_test
one_hot = np.eye(10, dtype=np.float32)


def principal_components(rule: type[Neuron], epochs: int) -> tuple[Array, Array]:
    """Cosines between the weights of two linear neurons and the first two components of a cloud; their lengths."""
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(8, 8)))[0]
    cloud = (random.normal(size=(1000, 8)) * 0.6 ** np.arange(8) @ turn).astype(np.float32)
    cloud -= cloud.mean(axis=0)
    nn = NeuralNetwork(learning_rate=0.02, momentum=0.0)
    nn.input_layer(8, neuron=rule)
    nn.output_layer(2, Identity, rule, cost=SquaredError, bias=False)
    nn.fit(cloud, np.zeros((1000, 2)), epochs=epochs, batch_size=20, verbose=0)
    lengths = np.linalg.norm(nn.weights[0], axis=0)
    components = np.linalg.svd(cloud, full_matrices=False)[2][:2]
    return np.abs(components @ nn.weights[0] / lengths), lengths


def perceptron() -> float:
    """Which digits are even: accuracy on the test images."""
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.0)
    nn.input_layer(64, neuron=Perceptron)
    nn.output_layer(1, Threshold, Perceptron, cost=SquaredError)
    nn.fit(x, y[:, None] % 2 == 0, epochs=20, batch_size=1, verbose=0)
    return float((nn.predict(x_test)[:, 0] == (y_test % 2 == 0)).mean())


def node_perturbation() -> float:
    """Digits from nothing but noise and the cost: accuracy."""
    nn = NeuralNetwork(learning_rate=0.05, momentum=0.0)
    nn.input_layer(64, neuron=PerturbedNeuron, sigma=0.3)
    nn.add_layer(32, Tanh, PerturbedNeuron, sigma=0.3)
    nn.output_layer(10, Tanh, PerturbedOutput, cost=SquaredError, sigma=0.3)
    nn.fit(x, one_hot[y], epochs=40, batch_size=10, verbose=0)
    return nn.evaluate(x_test, y_test).accuracy


def forward_forward() -> float:
    """Digits with a label written beside, the right one or a wrong one: how often the right one has most goodness."""

    def labelled(images: Array, labels: NDArray[np.int64]) -> Array:
        return np.hstack([one_hot[labels], images])

    nn = NeuralNetwork(learning_rate=0.03, momentum=0.0)
    nn.input_layer(74, neuron=GoodnessSender)
    nn.add_layer(64, ReLU, GoodnessNeuron, interlayer=HiddenGoodness(), interlayer_neuron=GoodnessSender)
    nn.output_layer(64, ReLU, GoodnessNeuron, cost=Polarity)
    random = np.random.default_rng(1)
    polarity = np.repeat([1, -1], len(x))[:, None].repeat(64, axis=1)
    for _ in range(25):
        wrong = (y + random.integers(1, 10, len(y))) % 10
        nn.fit(np.vstack([labelled(x, y), labelled(x, wrong)]), polarity, epochs=1, batch_size=20, verbose=0)
    outputs = [nn.predict(labelled(x_test, np.full(len(x_test), label))) for label in range(10)]
    return float((np.argmax([(o**2).mean(axis=1) for o in outputs], axis=0) == y_test).mean())


def spiking() -> float:
    """Digits through a layer of spiking neurons: accuracy."""
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.9)
    nn.input_layer(64)
    nn.add_layer(48, Identity, SpikingNeuron)
    nn.output_layer(10, Softmax, cost=CrossEntropy)
    nn.fit(x, y, epochs=10, batch_size=20, verbose=0)
    return nn.evaluate(x_test, y_test).accuracy


class NarrowRBF(RBFNeuron):
    """A radial basis function of less width than the library's."""

    width = 0.4


def unexplained(neuron: type[Neuron], function: Callable[[Array], Array], inputs: int) -> str:
    """The share of the variance of a function that 16 neurons, summed up, do not explain."""
    points = np.random.default_rng(1).uniform(-1, 1, size=(400, inputs)).astype(np.float32)
    wanted = function(points)
    nn = NeuralNetwork(learning_rate=0.05, momentum=0.9)
    nn.input_layer(inputs)
    nn.add_layer(16, Identity, neuron)
    nn.output_layer(1, Identity, cost=SquaredError)
    nn.fit(points, wanted[:, None], epochs=200, batch_size=10, verbose=0)
    return f"unexplained {np.mean((nn.predict(points)[:, 0] - wanted) ** 2) / wanted.var():.3f}"


def first_component(rule: type[Neuron], epochs: int) -> str:
    """What neurons on their own find."""
    cosines, lengths = principal_components(rule, epochs)
    return f"cosine with the first principal component {cosines[0].min():.3f}, length {lengths.min():.2f}"


def two_components() -> str:
    """What neurons find of which each leaves the others what it has."""
    cosines, _ = principal_components(SangerNeuron, 100)
    return f"cosines with the first two components {cosines[0, 0]:.3f} and {cosines[1, 1]:.3f}"


RULES: dict[str, Callable[[], str]] = {
    "Hebb": lambda: first_component(HebbNeuron, 10),
    "Oja": lambda: first_component(OjaNeuron, 50),
    "Sanger": two_components,
    "perceptron": lambda: f"even digits told from odd ones, accuracy {perceptron():.3f}",
    "node perturbation": lambda: f"digits, accuracy {node_perturbation():.3f}",
    "forward-forward": lambda: f"digits, accuracy {forward_forward():.3f}",
    "spiking": lambda: f"digits, accuracy {spiking():.3f}",
    "RBF": lambda: f"a bump, {unexplained(NarrowRBF, lambda x: np.exp(-4 * (x**2).sum(axis=1)), 2)}",
    "maxout": lambda: f"max |x|, {unexplained(MaxoutNeuron, lambda x: np.abs(x).max(axis=1), 4)}",
    "gated": lambda: (
        "a choice between two inputs, " + unexplained(GatedNeuron, lambda x: np.where(x[:, 2] > 0, x[:, 0], x[:, 1]), 4)
    ),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learning rules, each on a small task.")
    parser.add_argument("rules", nargs="*", metavar="RULE", help=f"of {', '.join(RULES)}; all where none is named")
    chosen = parser.parse_args().rules or list(RULES)
    if unknown := [name for name in chosen if name not in RULES]:
        parser.error(f"there is no {unknown[0]!r}; the rules are {', '.join(RULES)}")
    for name in chosen:
        print(f"{name:18} {RULES[name]()}", flush=True)
