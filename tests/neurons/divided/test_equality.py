"""Divided networks compute what whole ones do: neurons of all kinds, in both engines."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from horn.neurons import (
    CategoricalCrossEntropy,
    CrossEntropy,
    Dense,
    DropConnectNeuron,
    DropoutNeuron,
    FunctionInterlayer,
    Identity,
    NetworkSpec,
    Neuron,
    ReLU,
    Sigmoid,
    Softmax,
    SquaredError,
    StandardNeuron,
    State,
    SynapseState,
    Tanh,
    divide,
)
from horn.neurons.divided.compiled import DividedCompiled
from horn.neurons.divided.products import Products
from horn.neurons.divided.rows import Rows
from horn.neurons.library import OjaNeuron, RBFNeuron

SCALES = np.linspace(0.5, 1.5, 8)


class Plain(StandardNeuron):
    """Of this file alone: see `plain_kernels`."""


class Paper(Neuron):
    """The paper's own spelling of dropout."""

    keep = 0.6

    def forward(self, messages):
        self.mask = self.binomial(1, self.keep) if self.training else self.keep
        if self.mask == 0.0:
            self.feedforward(0.0)
        else:
            total = 0.0
            for m in messages:
                total += m.input * m.weight
            self.feedforward(self.activation(total) * self.mask)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.mask * self.activation.derivative())


class Distance(Neuron):
    """No weighted sum."""

    def forward(self, messages):
        distance = 0.0
        for m in messages:
            distance += (m.input - m.weight) ** 2
        self.feedforward(math.exp(-0.5 * distance))


class Connected(DropConnectNeuron):
    """Drops synapses: of this file alone."""


class Thinned(StandardNeuron):
    """Pushes by factors of its own, drawn in `backward`, and may stand before any receiver."""

    def backward(self, messages):
        gradient = 0.0
        thinned = self.uniform(0.5, 1.5)
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * thinned * m.weight_gradient - 0.1 * m.weight)
        self.backpropagate(gradient * self.activation.derivative())


class Watching(StandardNeuron):
    """Gradients of any receivers, in sums; and a loop that is none."""

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient)
        small = 0
        for m in messages:
            if m.weight > 0.7:
                break
            small += 1
        self.backpropagate(gradient * self.activation.derivative() / (1 + small))


class Erratic(StandardNeuron):
    """Odd control flow."""

    def backward(self, messages):
        gradient, seen = 0.0, 0
        for m in messages:
            if m.delta * m.weight > 0.4:
                break
            gradient += m.delta * m.weight
            seen += 1
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        while gradient > 1.0:
            gradient *= 0.5
        self.backpropagate(gradient * self.activation.derivative() if seen else 0.0)


class Carrying(StandardNeuron):
    """A sum that is carried from message to message, and read in between."""

    learning_rule = "local"

    def backward(self, messages):
        explained = 0.0
        for m in messages:
            explained += SCALES[m.receiver] * m.delta * m.weight
            self.push(self.learning_rate * m.delta * (self.output - explained))
        self.backpropagate(self.output)


class Keeping(StandardNeuron):
    """Neurons and synapses that keep something, reduced in all ways."""

    trace = SynapseState(0.5, "last")
    moment = SynapseState(1.0)
    level = State(0.25)
    latest = State(0.0, "last")

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total - self.level))
        self.level += 0.25 * total

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            m.trace = 0.5 * m.trace + m.weight_gradient
            m.moment = 0.9 * m.moment + 0.1 * m.weight_gradient * m.weight_gradient
            self.push(-self.learning_rate * m.trace / (1.0 + m.moment))
        self.latest = gradient
        self.backpropagate(gradient * self.activation.derivative())


class Placed(StandardNeuron):
    """Sums and pushes that depend on where receivers and senders stand, and on the weights beside their deltas."""

    learning_rule = "local"

    def backward(self, messages):
        gradient = size = 0.0
        for m in messages:
            gradient += (2 - m.receiver) * m.delta * (m.weight + 0.1 * self.index)
            size += m.delta * m.delta * m.receiver
            self.push(-self.learning_rate * self.output * m.delta * m.weight * (1 + m.receiver) - 0.1 * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative() + 0.1 * size / len(messages))


class Scored(StandardNeuron):
    """A push whose factor is a sum over the messages: the bias's, too."""

    learning_rule = "local"

    def backward(self, messages):
        size = 0.0
        for m in messages:
            size += m.delta * m.delta
        for m in messages:
            self.push(-self.learning_rate * self.output * m.delta / (1.0 + size))
        self.backpropagate(size)


def softly(output):
    return output / np.sqrt(1.0 + (output * output).sum())


#: Chains between inputs and outputs of `Plain` neurons, the way back of their first layer, and options.
CHAINS = {
    "paper": ([(5, Paper, Tanh()), (4, Paper, Sigmoid())], Products, {}),
    "distance": ([(5, Plain, Tanh()), (4, Distance, Identity())], Products, {}),
    "distance, first": ([(4, Distance, Identity())], Products, {"bias": False}),
    "thinned": ([(5, Thinned, Tanh()), (4, Distance, Identity())], Products, {}),
    "thinned, weighted sums": ([(5, Thinned, Tanh()), (4, Plain, Tanh())], Products, {"regularization": 0.1}),
    "watching": ([(5, Watching, Tanh()), (4, Distance, Identity())], Rows, {}),
    "connected": ([(5, Connected, Tanh()), (4, Connected, Tanh())], Products, {}),
    "erratic": ([(5, Erratic, Tanh()), (4, Erratic, Tanh())], Rows, {}),
    "carrying": ([(5, Carrying, Tanh())], Rows, {}),
    "keeping": ([(5, Keeping, Tanh()), (4, Keeping, Tanh())], Rows, {}),
    "placed": ([(5, Placed, Tanh()), (4, Placed, Tanh())], Products, {}),
    "scored": ([(5, Scored, Tanh())], Rows, {}),
    "scored, no bias": ([(5, Scored, Tanh()), (7, Plain, Tanh())], Products, {"bias": False}),
}


def chain(network, name):
    layers, _, options = CHAINS[name]
    ends = (7, Plain, Identity()), (3, Plain, Identity())
    return network(ends[0], *layers, ends[1], cost=SquaredError(), **options)


@pytest.mark.parametrize("name", CHAINS)
def test_interpreted(network, agree, name):
    agree(chain(network, name), "interpreter")


@pytest.mark.parametrize("name", CHAINS)
def test_compiled(network, agree, together, plain_kernels, name):
    """And weights stay where they are where sums of products are all that is asked."""
    spec = chain(network, name)

    def way(share, exchange):
        flat = np.zeros(share.size, np.float32)
        return type(DividedCompiled(share, exchange, flat, flat.copy(), seed=0).divided.ways[1])

    with plain_kernels():
        agree(spec, "compiled")
        assert together(divide(spec, 2), way) == [CHAINS[name][1]] * 2


ENGINES = pytest.mark.parametrize("engine", ["interpreter", "compiled"])


@ENGINES
def test_a_classifier_with_masks_norms_and_decay(network, agree, engine):
    spec = network(
        (7, DropoutNeuron, Identity(), {"keep": 0.8}),
        (6, DropoutNeuron, ReLU()),
        (5, StandardNeuron, Tanh()),
        (4, StandardNeuron, Softmax()),
        cost=CategoricalCrossEntropy(),
        regularization=0.05,
        max_norm=1.0,
    )
    agree(spec, engine)


@ENGINES
@pytest.mark.parametrize("name", ["paper", "keeping", "watching"])
def test_frozen_layers_and_rates_of_each_layer(network, agree, engine, plain_kernels, name):
    spec = chain(network, name)
    layers = [replace(layer, rate_factor=factor) for layer, factor in zip(spec.layers, (1, 0.5, 0, 2), strict=True)]
    with plain_kernels():
        agree(replace(spec, layers=tuple(layers), regularization=0.1, max_norm=1.0), engine)


@ENGINES
def test_neurons_of_the_library(network, agree, engine):
    spec = network(
        (7, OjaNeuron, Identity()),
        (5, StandardNeuron, Tanh()),
        (4, RBFNeuron, Identity()),
        (3, StandardNeuron, Sigmoid()),
        cost=CrossEntropy(),
    )
    agree(spec, engine)


@ENGINES
def test_normalizations_between_layers_and_at_the_end(layer, agree, engine, plain_kernels):
    """Through a Jacobian, into neurons that are no sums, and into Softmax with a cost that is not fused with it."""
    layers = (
        layer(7, Plain, Identity(), None),
        layer(5, Paper, Tanh(), Dense(True)),
        layer(5, Distance, Identity(), FunctionInterlayer(softly)),
        layer(4, Plain, Identity(), Dense(True)),
        layer(4, Plain, Identity(), Softmax.interlayer),
    )
    with plain_kernels():
        agree(NetworkSpec(layers, SquaredError()), engine)


@ENGINES
def test_float64(network, agree, engine):
    spec = network(
        (6, StandardNeuron, Identity()), (5, StandardNeuron, Tanh()), (3, StandardNeuron, Identity()),
        cost=SquaredError(), precision=np.float64,
    )  # fmt: skip
    agree(spec, engine, tolerance=1e-12)
