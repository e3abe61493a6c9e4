"""Neurons that users do write, one by one, on both engines: their messages, masks, pushes and masks' sub-models."""

from __future__ import annotations

import numpy as np
import pytest

from horn.neurons import (
    GELU,
    Batch,
    CategoricalCrossEntropy,
    Compiled,
    Dense,
    DropoutNeuron,
    FunctionInterlayer,
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
from horn.neurons.compiler.compatibility import layer_analysis

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


BODIES = {
    "noisy ReLU": """
class Unit(StandardNeuron):
    noise = 0.25

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        if self.training:
            total += self.normal(0.0, self.noise)
        self.active = total > 0.0
        self.feedforward(total if self.active else 0.0)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient if self.active else 0.0)
""",
    "own squashing": """
class Unit(StandardNeuron):
    steepness = 2

    def forward(self, messages):
        total = sum(m.input * m.weight for m in messages)
        if total >= 0:
            y = 1.0 / (1.0 + math.exp(-self.steepness * total))
        else:
            e = math.exp(self.steepness * total)
            y = e / (1.0 + e)
        self.feedforward(y)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.steepness * self.output * (1 - self.output))
""",
    "weight decay in the push": """
class Unit(StandardNeuron):
    decay = 0.125

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            step = self.learning_rate * (self.output * m.delta + self.decay * m.weight)
            self.push(self.momentum * m.prev_weight - step)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "a factor of the push that differs between neurons": """
class Unit(DropoutNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * self.mask * (self.output + 0.5) * m.delta)
        self.backpropagate(gradient * self.mask * self.activation.derivative())
""",
    "a push that is no product": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            step = self.learning_rate * m.weight_gradient
            self.push(-min(max(step, -0.125), 0.125) + self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "the bias goes its own way": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            if m.is_bias:
                self.push(-0.5 * self.learning_rate * m.delta)
                continue
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "draws in backward": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        part = self.binomial(1, 0.5)
        for m in messages:
            gradient += m.input_gradient * (1 + 0.125 * self.uniform(-1.0, 1.0))
            self.push(-self.learning_rate * m.weight_gradient * part)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "several trials": """
class Unit(DropoutNeuron):
    trials = 4

    def forward(self, messages):
        self.mask = self.binomial(self.trials, self.keep) / self.trials if self.training else self.keep
        self.plain(messages)

    def plain(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * self.mask)
""",
    "pushes on one path only": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        if self.output > 0.0:
            for m in messages:
                self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "pushes by two rules, one of them no product": """
class Unit(StandardNeuron):
    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        if self.output > 0.0:
            for m in messages:
                self.push(-self.learning_rate * m.weight_gradient)
        else:
            for m in messages:
                self.push(self.momentum * m.prev_weight)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "never pushes": """
class Unit(DropoutNeuron):
    def backward(self, messages):
        gradient = sum(m.input_gradient for m in messages)
        self.backpropagate(gradient * self.mask * self.activation.derivative())
""",
    "the number of messages": """
class Unit(DropoutNeuron):
    def forward(self, messages):
        self.mask = self.binomial(1, self.keep) if self.training else self.keep
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * self.mask / (1 + len(messages)))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient * self.mask / len(messages))
        self.backpropagate(gradient * self.mask * self.activation.derivative() / len(messages))
""",
    "what is declared holds where forward sets nothing": """
class Unit(StandardNeuron):
    boost = 1.5

    def forward(self, messages):
        if self.index % 2 == 1:
            self.boost = 0.5
        super().forward(messages)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * self.boost * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())
""",
    "names that kernels use": """
class Unit(StandardNeuron):
    share = 0.5
    step = 2
    first = 3.0

    def forward(self, messages):
        self.W, self.D, self.X, self.MAX, self.P = 0.5, 1.5, self.uniform(), self.step, self.first
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        S = total
        self.feedforward(self.activation(S) * self.share)

    def backward(self, messages):
        U = 0.0
        for m in messages:
            U += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient * self.X)
        self.backpropagate(U * (self.W + self.D - self.MAX * 0.25 + self.P * 0.125) * self.activation.derivative())
""",
    "the slope within forward, and the output after it": """
class Unit(StandardNeuron):
    def forward(self, messages):
        before = self.activation.derivative()
        y = self.activation(sum(m.input * m.weight for m in messages))
        self.feedforward(y + 0.25 * self.activation.derivative() + before)
        self.left = self.output * 0.5

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * m.delta * self.left)
        self.backpropagate(self.activation.derivative())
""",
    "effects in Python's order": """
class Unit(StandardNeuron):
    def bump(self):
        self.level = self.level * 2.0 + 1.0
        return self.level

    def pair(self, x):
        return x + 1.0, x * 2.0

    def forward(self, messages):
        self.level = 1.0
        total = sum(m.input * m.weight for m in messages)
        p = self.pair(total)
        q = self.pair(p[1])
        total = total * (self.level + 0.25 * self.bump() + self.level) + p[0] - q[1]
        self.level += self.bump()
        drawn = 1.0 if 0.4 < self.uniform() < self.uniform() else self.uniform()
        self.feedforward(self.activation(total * 0.125) * self.level + drawn)
""",
    "options that are known when it is compiled": """
MODE, WEIGHTS = "soft", {"soft": [0.5, 0.25], "hard": None}


def bent(x, limit=None):
    if MODE == "hard":
        return undefined
    if limit is None:
        return x * WEIGHTS[MODE][1]
    return min(x, limit)


class Base(StandardNeuron):
    gain = 3.0


class Unit(Base):
    gain = 0.5

    def forward(self, messages, /):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        if MODE is not None and super().gain > self.gain:
            total = bent(total) + bent(total, 0.75) * super().gain
        self.feedforward(self.activation(total))
""",
    "methods that loop over the messages": """
class Unit(StandardNeuron):
    def total(self, messages, scale=1):
        found = 0.0
        for m in messages:
            found += m.input * m.weight * scale
        return found

    def forward(self, messages):
        return self.feedforward(self.activation(self.total(messages)))

    def deltas(self, messages):
        for m in messages:
            if m.receiver == 1:
                return m.delta
        return 0.0

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(self.deltas(messages) * self.activation.derivative())
""",
    "wrapped by a decorator": """
import functools


def marked(method):
    @functools.wraps(method)
    def wrapper(self, messages):
        self.mark = 0.5
        method(self, messages)
    return wrapper


class Unit(StandardNeuron):
    @marked
    def forward(self, messages):
        total = 0.0
# a comment where no code may stand
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * self.mark)
""",
    "overrides push": """
class Unit(StandardNeuron):
    def push(self, update):
        super().push(update * 0.5)
""",
    "a loop of its own over the messages": """
class Unit(StandardNeuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
            if m.sender == 5:
                break
        self.feedforward(self.activation(total))
""",
    "an integer that backward makes a float": """
class Unit(StandardNeuron):
    def forward(self, messages):
        self.level = self.index
        super().forward(messages)

    def backward(self, messages):
        self.level *= 0.3
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient * self.level)
        self.backpropagate(self.level)
""",
}

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


def test_an_activation_a_cost_and_a_normalization_of_the_users_own(define, chain, compare) -> None:
    module = define("""
class Leaky(Activation):
    def __init__(self, slope, point):
        self.slope = slope
        self.point = point

    def bent(self, x):
        return self.slope * (x - self.point)

    def apply(self, x):
        return x - self.point if x > self.point else self.bent(x)

    def derivative(self, y, x):
        return 1.0 if x > self.point else self.slope


class Huber(Cost):
    def __init__(self, width):
        self.width = width

    def apply(self, output, target):
        error = abs(output - target)
        if error < self.width:
            return 0.5 * error * error
        return self.width * (error - 0.5 * self.width)

    def derivative(self, output, target):
        return max(min(output - target, self.width), -self.width)
""")

    def share(output):
        return output / (1.0 + np.abs(output).sum())

    def share_back(output, normalized, gradient):
        total = 1.0 + np.abs(output).sum()
        return gradient / total - np.sign(output) * (gradient @ output) / total**2

    for interlayer in (FunctionInterlayer(share), FunctionInterlayer(share, share_back)):
        for activation in (module.Leaky(0.25, 0.5), module.Leaky(0.125, -0.5)):
            hidden = chain((3, StandardNeuron), (4, StandardNeuron, activation)).layers
            after = Layer(4, DropoutNeuron, Identity(), {"keep": 0.75}, interlayer)
            last = Layer(2, StandardNeuron, Identity(), {}, Dense(True))
            compare(NetworkSpec((*hidden, after, last), module.Huber(0.25)), tolerance=1e-4)


def test_activations_and_costs_of_integers_flags_and_branches(define, chain, compare) -> None:
    module = define("""
class Swish(Activation):
    beta = 1.5

    def gate(self, x):
        if x > 0:
            return 1.0 / (1.0 + math.exp(-self.beta * x))
        e = math.exp(self.beta * x)
        return e / (1.0 + e)

    def apply(self, x):
        return x * self.gate(x)

    def derivative(self, y, x):
        s = self.gate(x)
        return s + self.beta * x * s * (1.0 - s)


class Hard(Activation):
    def apply(self, x):
        for i in range(2):
            if x > 1 + i * 0.5:
                return 1
        return max(-1, x)

    def derivative(self, y):
        return abs(y) < 1


class Uneven(Cost):
    def apply(self, output, target):
        k = 1
        if output > target:
            k = 2
        return k * abs(output - target)

    def derivative(self, output, target):
        k = 0.5
        if output > target:
            return 2
        return -1 - k
""")
    for activation in (module.Swish(), module.Hard()):
        spec = chain((3, StandardNeuron), (4, StandardNeuron, activation), (2, StandardNeuron), cost=module.Uneven())
        compare(spec, tolerance=1e-4)


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
