"""Workers that hold no weights: D of a part is that of the whole network, by weights that somebody else gathers."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from horn.neurons import (
    Compiled,
    DropoutNeuron,
    Identity,
    Interpreter,
    Neuron,
    NeuronError,
    Part,
    Rates,
    ReLU,
    SquaredError,
    StandardNeuron,
    State,
    random,
)

RATES = Rates(step=5, learning_rate=0.5, momentum=0.25)
ENGINES = [Compiled, Interpreter]


class CountingOutput(StandardNeuron):
    """Keeps how often it was asked."""

    asked = State(0.0, reduce="sum")

    def forward(self, messages):
        self.asked += 1.0
        super().forward(messages)


@pytest.fixture
def spec(network):
    return network(
        (6, DropoutNeuron, Identity(), {"keep": 0.7}),
        (9, DropoutNeuron, ReLU()),
        (7, DropoutNeuron, Identity()),
        (2, StandardNeuron, Identity()),
        cost=SquaredError(),
    )


@pytest.fixture
def data(batch):
    rng = np.random.default_rng(3)
    return lambda **options: batch(rng.normal(size=(4, 6)), rng.normal(size=(4, 2)).astype(np.float32), **options)


def whole(kind, spec, parameters, given):
    engine = kind(spec, parameters.copy(), np.zeros_like(parameters), seed=11)
    if kind is Compiled:
        engine.submodels.worthwhile = lambda *_: True
    out = np.full(spec.size, np.nan, spec.precision)
    return engine.gradient(given, RATES, out), out


def spread(part, compact):
    """A compact D among zeros."""
    out = np.zeros(part.spec.size, compact.dtype)
    part.add(compact, out)
    return out


def by_part(engine, part, parameters, given):
    out = np.full(part.size, np.nan, parameters.dtype)
    return engine.gradient(part, part.gather(parameters), given, RATES, out), out


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("nested", [False, True])
def test_d_of_a_part_is_that_of_the_whole_network(kind, nested, spec, data, parameters):
    given, flat = replace(data(lane=3, total=8), nested=nested), parameters(spec)
    engine = kind.of_parts(spec, seed=11)
    part = engine.part(given, RATES)
    assert not part.whole
    score, out = by_part(engine, part, flat, given)
    expected_score, expected = whole(kind, spec, flat, given)
    assert score == expected_score
    np.testing.assert_array_equal(spread(part, out), expected)


def test_both_engines_find_the_same_part(spec, data):
    engines = [kind.of_parts(spec, seed=11) for kind in ENGINES]
    sizes = set()
    for lane in range(5):
        for nested in (False, True):
            given = replace(data(lane=lane), nested=nested)
            one, other = (engine.part(given, RATES) for engine in engines)
            assert one.packed.tobytes() == other.packed.tobytes()
            sizes.add(one.size)
    assert len(sizes) > 5


def test_the_part_is_what_the_masks_of_the_worker_keep(spec, data):
    part = Compiled.of_parts(spec, seed=11).part(data(lane=3), RATES)
    key = random.key(11, random.TRAIN)
    for index, keep in enumerate([0.7, 0.5, 0.5]):
        place = np.uint32(3), np.uint32(RATES.step), np.uint32(random.FORWARD)
        mask = [random.bernoulli_of(random.word(it, *place, *key), np.float32(keep)) for it in spec.ids[index]]
        np.testing.assert_array_equal(part.kept[index], np.flatnonzero(mask))
    assert len(part.kept[3]) == 2


def test_d_of_a_part_against_numpy(spec, data, parameters):
    """One hidden chain in float64, kept neurons only."""
    given, flat = data(lane=3), parameters(spec)
    engine = Compiled.of_parts(spec, seed=11)
    part = engine.part(given, RATES)
    score, out = by_part(engine, part, flat, given)
    w1, w2, w3 = (m.astype(np.float64) for m in part.matrices(part.gather(flat)).values())
    x = np.insert(given.inputs[:, part.kept[0]].astype(np.float64), 0, 1.0, axis=1)
    s1 = x @ w1
    h1 = np.insert(np.maximum(s1, 0.0), 0, 1.0, axis=1)
    h2 = np.insert(h1 @ w2, 0, 1.0, axis=1)
    error = h2 @ w3 - given.targets
    d2 = error @ w3[1:].T
    d1 = d2 @ w2[1:].T * (s1 > 0)
    expected = [-RATES.learning_rate / 4 * product for product in (x.T @ d1, h1.T @ d2, h2.T @ error)]
    for found, wanted in zip(part.matrices(out).values(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert score.loss == pytest.approx(0.5 * (error**2).sum(), rel=1e-5)


@pytest.mark.parametrize("kind", ENGINES)
def test_examples_with_masks_of_their_own_need_the_whole_network(kind, spec, data, parameters):
    given, flat = data(), parameters(spec)
    engine = kind.of_parts(spec, seed=11)
    part = engine.part(given, RATES)
    assert part.whole
    score, out = by_part(engine, part, flat, given)
    expected_score, expected = whole(kind, spec, flat, given)
    assert score == expected_score
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("kind", ENGINES)
def test_what_neurons_keep_travels_in_full(kind, network, data, parameters):
    spec = network(
        (6, DropoutNeuron, Identity()), (5, DropoutNeuron, ReLU()), (2, CountingOutput, Identity()), cost=SquaredError()
    )
    given, flat = data(lane=1), parameters(spec)
    engine = kind.of_parts(spec, seed=11)
    part = engine.part(given, RATES)
    _, out = by_part(engine, part, flat, given)
    np.testing.assert_array_equal(spread(part, out), whole(kind, spec, flat, given)[1])
    np.testing.assert_allclose(out[-2:], 4.0, rtol=1e-6)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_layer_that_is_dropped_as_a_whole(kind, network, data, parameters):
    spec = network(
        (6, StandardNeuron, Identity()),
        (5, DropoutNeuron, ReLU(), {"keep": 1e-9}),
        (2, StandardNeuron, Identity()),
        cost=SquaredError(),
    )
    given, flat = data(lane=1), parameters(spec)
    engine = kind.of_parts(spec, seed=11)
    part = engine.part(given, RATES)
    assert len(part.kept[1]) == 1
    score, out = by_part(engine, part, flat, given)
    expected_score, expected = whole(kind, spec, flat, given)
    assert score.loss == pytest.approx(expected_score.loss)
    np.testing.assert_allclose(spread(part, out), expected, rtol=1e-6, atol=1e-7)


def test_a_worker_without_weights_needs_memory_for_its_part_only(network, batch):
    spec = network(
        (1500, DropoutNeuron, Identity(), {"keep": 0.1}),
        (1500, DropoutNeuron, ReLU(), {"keep": 0.1}),
        (2, StandardNeuron, Identity()),
        cost=SquaredError(),
    )
    given = batch(np.ones((2, 1500)), np.zeros((2, 2), np.float32), lane=0)
    engine = Compiled.of_parts(spec, seed=1)
    weights = np.zeros(engine.part(given, RATES).size, np.float32)
    engine.gradient(engine.part(given, RATES), weights, given, RATES, np.empty_like(weights))  # kernels compiled
    del engine
    tracemalloc.start()
    try:
        engine = Compiled.of_parts(spec, seed=1)
        part = engine.part(given, RATES)
        engine.gradient(part, weights, given, RATES, np.empty_like(weights))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert part.size < 0.02 * spec.size
    assert peak < 0.1 * spec.size * 4


class Accelerating(StandardNeuron):
    """Pushes more where a weight has just moved far."""

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta * abs(m.prev_weight))
        self.backpropagate(gradient * self.activation.derivative())


class Opaque(Neuron):
    """Nothing is known of it."""

    def forward(self, messages):
        self.feedforward(self.activation(float(np.sum([m.input * m.weight for m in messages]))))

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * self.output * m.delta)
        self.backpropagate(sum(m.delta * m.weight for m in messages))


@pytest.mark.parametrize("kind", ENGINES)
def test_pushes_that_need_what_only_the_holder_knows_are_refused(kind, network):
    spec = network((3, Accelerating, Identity()), (2, StandardNeuron, Identity()), cost=SquaredError())
    with pytest.raises(NeuronError, match=r"Accelerating.*weights that others hold: .*uses m.prev_weight"):
        kind.of_parts(spec, seed=0)


def test_pushes_that_are_not_understood_are_refused(network):
    spec = network((3, Opaque, Identity()), (2, StandardNeuron, Identity()), cost=SquaredError())
    with pytest.raises(NeuronError, match=r"Opaque.*cannot be trained on weights that others hold"):
        Interpreter.of_parts(spec, seed=0)


@pytest.mark.parametrize("kind", ENGINES)
def test_momentum_and_decay_are_the_holders(kind, spec, data, parameters):
    """L is made by whoever applies D: a step by parts is a step of the whole network."""
    given, flat = data(lane=3), parameters(spec)
    alone = kind(spec, flat.copy(), np.full_like(flat, 0.125), seed=11)
    alone.step(given, RATES)
    holder = kind(spec, flat.copy(), np.full_like(flat, 0.125), seed=11)
    engine = kind.of_parts(spec, seed=11)
    part = Part.unpacked(spec, engine.part(given, RATES).packed)
    update = spread(part, by_part(engine, part, holder.parameters, given)[1])
    half = spec.size // 2
    holder.apply(update[:half], RATES, 0, half)
    holder.apply(update[half:], RATES, half, spec.size)
    np.testing.assert_allclose(holder.parameters, alone.parameters, rtol=1e-5, atol=1e-6)
