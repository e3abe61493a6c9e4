"""Draws of synapses, and DropConnect, which is made of them."""

from dataclasses import replace

import numpy as np
import pytest

from horn.neurons import (
    Compiled,
    DropConnectNeuron,
    DropoutNeuron,
    Identity,
    Interpreter,
    Neuron,
    NeuronError,
    Rates,
    ReLU,
    SquaredError,
    StandardNeuron,
    Tanh,
    check_backward,
    explain,
    is_weighted_sum,
    random,
)

RATES = Rates(5, 0.5, 0.25)
SEED = 11


class Best(Neuron):
    """The largest message that is not dropped: a loop in lanes."""

    keep = 0.6

    def forward(self, messages):
        self.feedforward(max(m.input * m.weight * m.binomial(1, self.keep) for m in messages))


class FirstFew(Neuron):
    """A scalar loop, two trials, a draw under a condition and asked for twice."""

    keep = 0.6

    def forward(self, messages):
        total = 0.0
        for m in messages:
            if m.sender == 3:
                break
            if m.sender != 1:
                total += m.input * m.weight * m.binomial(2, self.keep) + 0.5 * m.binomial(2, self.keep)
        self.feedforward(self.activation(total))


@pytest.fixture
def chain(network):
    def build(cls, activation, bias=True, **numbers):
        return network(
            (5, StandardNeuron, Identity()),
            (6, cls, activation, numbers),
            (4, cls, activation, numbers),
            (2, StandardNeuron, Identity()),
            cost=SquaredError(),
            bias=bias,
        )

    return build


@pytest.fixture
def data(batch):
    rng = np.random.default_rng(3)
    inputs, targets = rng.normal(size=(6, 5)), rng.normal(size=(6, 2)).astype(np.float32)
    return lambda **options: batch(inputs, targets, **options)


def mask(spec, layer, lane, position, nested, step, keep):
    """The draws of a layer's incoming synapses, shape (bias and senders, receivers)."""
    place = np.uint32(lane), np.uint32(position), nested, np.uint32(step)
    key = random.key(SEED, random.TRAIN)
    drawn = [
        [random.bernoulli_of(random.synapse_word(s, r, *place, *key), np.float32(keep)) for r in spec.ids[layer]]
        for s in spec.ids[layer - 1]
    ]
    block = spec.block_into(layer)
    return np.vstack([np.ones((int(block.bias), block.columns)), np.array(drawn, np.float64)])


def descent(spec, flat, given, keep):
    """D by NumPy in float64, the masks read from the draws."""
    w = [matrix.astype(np.float64) for matrix in spec.matrices(flat).values()]
    d = [np.zeros_like(matrix) for matrix in w]
    for x, target, lane, position in zip(given.inputs, given.targets, given.lanes, given.positions, strict=True):
        m1, m2 = (mask(spec, layer, lane, position, given.nested, RATES.step, keep) for layer in (1, 2))
        x0 = np.insert(x.astype(np.float64), 0, 1.0)
        x1 = np.insert(np.tanh(x0 @ (w[0] * m1)), 0, 1.0)
        x2 = np.insert(np.tanh(x1 @ (w[1] * m2)), 0, 1.0)
        error = x2 @ w[2] - target
        d2 = (w[2][1:] @ error) * (1 - x2[1:] ** 2)
        d1 = ((w[1] * m2)[1:] @ d2) * (1 - x1[1:] ** 2)
        for total, product in zip(d, (np.outer(x0, d1) * m1, np.outer(x1, d2) * m2, np.outer(x2, error)), strict=True):
            total -= RATES.learning_rate / given.total * product
    return np.concatenate([matrix.ravel() for matrix in d])


def gradient(kind, spec, flat, given):
    engine, out = kind(spec, flat.copy(), np.zeros_like(flat), seed=SEED), np.full_like(flat, np.nan)
    return engine.gradient(given, RATES, out), out


BATCHES = {
    "a mask per example": ({}, False),
    "a mask per worker": ({"lane": 4, "total": 12}, False),
    "a mask per example within the worker's": ({"lane": 4}, True),
}


@pytest.mark.parametrize("case", BATCHES)
@pytest.mark.parametrize("kind", [Compiled, Interpreter])
def test_the_gradient_is_that_of_numpy(kind, case, chain, data, parameters):
    options, nested = BATCHES[case]
    spec = chain(DropConnectNeuron, Tanh(), keep=0.7)
    given, flat = replace(data(**options), nested=nested), parameters(spec)
    _, found = gradient(kind, spec, flat, given)
    np.testing.assert_allclose(found, descent(spec, flat, given, 0.7), rtol=1e-4, atol=1e-6)


def test_several_workers_in_one_batch(chain, data, parameters):
    spec, flat = chain(DropConnectNeuron, Tanh()), None
    flat = parameters(spec)
    given = replace(data(), lanes=np.array([1, 1, 2, 2, 2, 5], np.uint32))
    (one, first), (other, second) = (gradient(kind, spec, flat, given) for kind in (Compiled, Interpreter))
    np.testing.assert_allclose(first, second, rtol=2e-5, atol=1e-6)
    assert one.loss == pytest.approx(other.loss, rel=1e-5)
    assert one.examples == 6


def test_the_masks_are_the_same_bits_in_both_engines(network, batch):
    """Inputs 1 and weights 1: sums count the synapses that stay, and are exact; so are the gradients of weights."""
    spec = network((9, StandardNeuron, Identity()), (7, DropConnectNeuron, Identity()), cost=SquaredError(), bias=False)
    flat = np.ones(spec.size, np.float32)
    for nested in (False, True):
        found = []
        for kind in (Compiled, Interpreter):
            given = replace(batch(np.ones((1, 9)), np.zeros((1, 7), np.float32), lane=3), nested=nested)
            found.append(gradient(kind, spec, flat, given)[1])
        np.testing.assert_array_equal(*found)
        drawn = mask(spec, 1, 3, 0, nested, RATES.step, 0.5)
        np.testing.assert_array_equal(found[0].reshape(9, 7), -0.5 * drawn * drawn.sum(axis=0))


@pytest.mark.parametrize("cls", [pytest.param(Best, marks=pytest.mark.soak), FirstFew])
@pytest.mark.parametrize("case", BATCHES)
def test_any_loop_may_ask_for_them(cls, case, chain, data, parameters):
    options, nested = BATCHES[case]
    spec = chain(cls, Tanh())
    given, flat = replace(data(**options), nested=nested), parameters(spec)
    results = []
    for kind in (Compiled, Interpreter):
        engine = kind(spec, flat.copy(), np.zeros_like(flat), seed=SEED)
        for step in range(2):
            engine.step(given, replace(RATES, step=step))
        results.append(np.concatenate([engine.parameters, engine.predict(given.inputs, first=2).ravel()]))
    np.testing.assert_allclose(*results, rtol=5e-5, atol=1e-6)


def test_together_with_dropped_neurons_and_momentum(network, data, parameters):
    spec = network(
        (5, DropoutNeuron, Identity(), {"keep": 0.8}),
        (6, DropConnectNeuron, ReLU()),
        (4, DropoutNeuron, ReLU()),
        (2, DropConnectNeuron, Identity(), {"keep": 0.9}),
        cost=SquaredError(),
    )
    for lane in (None, 2):
        results = []
        for kind in (Compiled, Interpreter):
            engine = kind(spec, parameters(spec), np.zeros(spec.size, np.float32), seed=SEED)
            for step in range(3):
                engine.step(data(lane=lane), replace(RATES, step=step))
            results.append(engine.parameters)
        np.testing.assert_allclose(*results, rtol=5e-5, atol=1e-6)


def test_a_worker_without_weights(chain, data, parameters):
    spec = chain(DropConnectNeuron, Tanh())
    given, flat = data(lane=1), parameters(spec)
    engine = Compiled.of_parts(spec, seed=SEED)
    part, out = engine.part(given, RATES), np.empty(spec.size, np.float32)
    engine.gradient(part, part.gather(flat), given, RATES, out)
    np.testing.assert_array_equal(out, gradient(Compiled, spec, flat, given)[1])


def test_prediction_scales_the_weights(chain, data, parameters):
    spec = chain(DropConnectNeuron, Tanh(), keep=0.25)
    flat = parameters(spec)
    w1, w2, w3 = (matrix.astype(np.float64) for matrix in spec.matrices(flat).values())
    x = np.insert(data().inputs.astype(np.float64), 0, 1.0, axis=1)
    for w in (w1, w2):
        x = np.insert(np.tanh(x @ (0.25 * w)), 0, 1.0, axis=1)
    engine = Compiled(spec, flat, np.zeros_like(flat), seed=SEED, training=False)
    np.testing.assert_allclose(engine.predict(data().inputs), x @ w3, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cls", [DropConnectNeuron, Best])
def test_central_differences(cls):
    """With the masks held fixed."""
    assert check_backward(cls, activation=Tanh, points=1).points == 1


def test_it_has_a_bias_by_default_as_a_weighted_sum_has():
    assert is_weighted_sum(DropConnectNeuron, ReLU())
    assert not is_weighted_sum(Best, ReLU())


def test_its_sum_is_a_matrix_product():
    text = str(explain(DropConnectNeuron, ReLU()))
    assert "forward (drop_connect.py:" in text
    assert "GEMM" in text.split("method")[0]


class InBackward(DropConnectNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient * m.binomial(1, 0.5)
        self.backpropagate(gradient)


class ByState(DropConnectNeuron):
    def forward(self, messages):
        chance = self.uniform(0.0, 1.0)
        self.feedforward(sum(m.input * m.weight * m.binomial(1, chance) for m in messages))


@pytest.mark.parametrize(
    ("cls", "numbers", "text"),
    [
        (InBackward, {}, "a backward message has no 'binomial'.*the receiver's draw"),
        (ByState, {}, "n and p must be the same for all synapses of the layer"),
        (DropConnectNeuron, {"keep": 1.5}, r"p must be in \[0, 1\], self.keep is 1.5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(cls, numbers, text, chain):
    spec = chain(cls, Tanh(), **numbers)
    with pytest.raises(NeuronError, match=text):
        Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
