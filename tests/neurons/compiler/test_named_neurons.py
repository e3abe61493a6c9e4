"""Neurons that users do write, one by one, on both engines: their messages, masks, pushes and masks' sub-models."""

from __future__ import annotations

import numpy as np
import pytest
from named_bodies import BODIES

from horn.neurons import (
    GELU,
    Batch,
    CategoricalCrossEntropy,
    Compiled,
    DropoutNeuron,
    Identity,
    Interpreter,
    Layer,
    NetworkSpec,
    NeuronError,
    Rates,
    ReLU,
    Softmax,
    StandardNeuron,
    Tanh,
)
from horn.neurons.compiler.analysis.compatibility import layer_analysis

PAPER = """
class Paper(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative(self.output))
"""

DROPOUT = """
class Dropout(Neuron):
    keep = 0.5

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
"""


@pytest.mark.parametrize("bias", [True, False])
def test_the_papers_spelling_is_exact_on_exact_numbers(bias, define, chain, compare) -> None:
    cls = define(PAPER).Paper
    compare(chain((3, cls), (4, cls, ReLU()), (2, cls), bias=bias), exact=True)
    compare(chain((3, cls), (5, cls, Tanh()), (4, cls, ReLU()), (2, cls), bias=bias), examples=5)


@pytest.mark.parametrize("compact", [True, False])
def test_the_designs_dropout_neuron(compact, define, chain, compare) -> None:
    cls = define(DROPOUT).Dropout
    spec = chain((3, cls), (4, cls, ReLU()), (2, StandardNeuron), numbers={"keep": 0.75})
    assert layer_analysis(spec.layers[1]).drop is not None
    compare(spec, exact=True, compact=compact, examples=4)
    spec = chain((6, cls), (6, cls, GELU()), (5, cls, Tanh()), (2, StandardNeuron), regularization=0.125, max_norm=1.5)
    compare(spec, compact=compact, examples=5)


def test_the_librarys_neurons_with_softmax_and_a_categorical_cost(chain, compare) -> None:
    first = chain((4, DropoutNeuron), (5, DropoutNeuron, GELU()), (3, StandardNeuron), regularization=0.01)
    last = Layer(3, StandardNeuron, Identity(), {}, Softmax.interlayer)
    compare(NetworkSpec((*first.layers, last), CategoricalCrossEntropy(), 0.01), tolerance=5e-5)


NO_WEIGHTED_SUM = {"a loop of its own over the messages"}


@pytest.mark.parametrize("name", BODIES)
def test_a_neuron(name, define, chain, compare, plain_kernels) -> None:
    with plain_kernels():
        cls = define(BODIES[name]).Unit
        # As inputs and hidden: before a receiver that is a weighted sum, where its push belongs to gradients.
        for shape in ({"bias": True}, {"bias": False}):
            if name in NO_WEIGHTED_SUM:
                compare(chain((3, StandardNeuron), (4, cls, Tanh()), **shape), train=False)
                continue
            compare(chain((3, StandardNeuron), (4, cls, Tanh()), (3, StandardNeuron), **shape), examples=4)
            compare(chain((4, cls), (1, cls, ReLU()), (2, cls, Tanh()), **shape), seed=2)


def test_a_break_predicts_and_trains_only_as_a_local_rule(define, chain, compare) -> None:
    text = """
class Early(Neuron):
    limit = 0.5

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
            if total > self.limit:
                break
        self.feedforward(total)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta)
        self.backpropagate(gradient)


class Local(Early):
    learning_rule = "local"
"""
    module = define(text)
    spec = chain((3, module.Early), (4, module.Early), (2, StandardNeuron))
    compare(spec, train=False, exact=True)
    with pytest.raises(NeuronError, match=r"layer 0 \(Early\) cannot be trained through layer 1 \(Early\)"):
        Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
    compare(chain((3, module.Local), (4, module.Local), (2, StandardNeuron)), exact=True)


def test_sub_models_of_several_workers_in_one_batch_and_an_empty_part(define, chain) -> None:
    cls = define(DROPOUT).Dropout
    spec = chain((6, cls), (6, cls, ReLU()), (2, StandardNeuron))
    rng = np.random.default_rng(4)
    flat = (rng.integers(-8, 9, spec.size) / 8).astype(np.float32)
    engines = [kind(spec, flat.copy(), flat.copy(), seed=9) for kind in (Interpreter, Compiled)]
    engines[1].submodels.worthwhile = lambda examples, weights, kept: True
    inputs, targets = (rng.integers(-4, 5, (6, 6)) / 4).astype(np.float32), np.zeros((6, 2), np.float32)
    lanes = np.array([0, 0, 1, 1, 2, 2], np.uint32)
    positions = np.arange(6, dtype=np.uint32)
    rates = Rates(0, 0.5, 0.5)
    whole, part, total = (np.empty((2, spec.size), np.float32) for _ in range(3))
    for row, engine in enumerate(engines):
        engine.gradient(Batch(inputs, targets, positions, lanes, 8), rates, whole[row])
        total[row] = 0
        for lane in range(3):
            own = lanes == lane
            batch = Batch(inputs[own], targets[own], positions[own], lanes[own], 8)
            engine.gradient(batch, rates, part[row])
            total[row] += part[row]
        empty = np.zeros(0, np.uint32)
        score = engine.gradient(Batch(inputs[:0], targets[:0], empty, empty, 8), rates, part[row])
        assert score.examples == 0
        assert not part[row].any()
    for found in (*whole, *total):
        np.testing.assert_array_equal(found, whole[0])


def test_numbers_from_outside_are_those_of_the_moment(define, around, compare, plain_kernels) -> None:
    module = define("""
SCALE = 2.0


class Options:
    power = 1


class Unit(StandardNeuron):
    def forward(self, messages):
        total = sum(m.input * m.weight for m in messages)
        self.feedforward(total ** Options.power * SCALE)
""")
    with plain_kernels():
        one = compare(around(module.Unit), train=False)
        module.SCALE = 3.0
        two = compare(around(module.Unit), train=False)
        module.Options.power = 2
        compare(around(module.Unit), train=False)
    assert not np.array_equal(one["predict"], two["predict"])


def test_lambdas_are_told_from_each_other(define, around, compare) -> None:
    module = define("""
ONE, TWO = (lambda x: x + 1.0), (lambda x: x * 0.5)
NESTED = (lambda x: (lambda x: x - 0.25))(0.0)
LONG = dict(bent=lambda x: (
    0.5 * x
    if x > 0.0 else x
))["bent"]


class Unit(StandardNeuron):
    def forward(self, messages):
        self.feedforward(LONG(NESTED(TWO(ONE(sum(m.input * m.weight for m in messages))))))
""")
    compare(around(module.Unit), train=False, exact=True)
