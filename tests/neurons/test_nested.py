"""Nested draws: an example's mask within that of its worker."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from horn.neurons import (
    Batch,
    Compiled,
    DropoutNeuron,
    Identity,
    Interpreter,
    Neuron,
    Rates,
    ReLU,
    SquaredError,
    StandardNeuron,
    random,
)

U32 = np.uint32
KEY = random.key(7, random.TRAIN)
RATES = Rates(2, 0.5, 0.25)


def words(neurons: int, examples: int, lane: int = 3, step: int = 11) -> np.ndarray:
    """Nested words, shape (neurons, examples)."""
    counter = U32(step), U32(random.FORWARD), *KEY
    found = [
        [random.shared_word(U32(neuron), U32(lane), U32(position), True, *counter) for position in range(examples)]
        for neuron in range(neurons)
    ]
    return np.array(found, np.uint64)


def test_a_nested_word_is_uniform() -> None:
    drawn = words(1000, 4)
    for position in range(4):
        assert stats.kstest(drawn[:, position] * 2.0**-32, stats.uniform().cdf).pvalue > 1e-3


@pytest.mark.parametrize("p", [0.25, 0.64])
def test_worker_and_example_keep_with_the_square_root_each(p: float) -> None:
    """P(kept) = p; P(kept for two examples of one worker) = √p · p, of two workers p²."""
    one, other = words(4000, 2) < p * 2**32, words(4000, 2, lane=4) < p * 2**32
    slack = 4 * 0.5 / np.sqrt(4000)
    assert abs(one.mean() - p) < slack
    assert abs((one[:, 0] & one[:, 1]).mean() - p**1.5) < slack
    assert abs((one[:, 0] & other[:, 1]).mean() - p**2) < slack


def test_what_the_worker_drops_no_example_keeps() -> None:
    drawn, counter = words(200, 20), (U32(3), U32(11), U32(random.FORWARD), *KEY)
    own = np.array([random.joint(random.word(U32(neuron), *counter), U32(0)) for neuron in range(200)], np.uint64)
    assert (drawn >= own[:, None]).all()
    assert (drawn == own[:, None]).any()


def test_an_example_whose_position_is_its_workers_index_draws_a_word_of_its_own() -> None:
    counter = U32(11), U32(random.FORWARD), *KEY
    lone = [random.word(U32(neuron), U32(3), *counter) for neuron in range(50)]
    pairs = [random.shared_word(U32(neuron), U32(3), U32(3), True, *counter) for neuron in range(50)]
    assert sum(random.joint(word, U32(0)) == pair for word, pair in zip(lone, pairs, strict=True)) < 50


def test_words_of_many_neurons_are_those_of_each() -> None:
    for ids in (np.arange(5, 18, dtype=U32), np.array([2, 3, 9, 14], U32)):
        row, counter = np.zeros(4 * 24, U32), (U32(4), U32(9), U32(11), U32(1), *KEY)
        found = random.nested_words(row, ids, *counter)
        assert found.tolist() == [random.shared_word(neuron, *counter[:2], True, *counter[2:]) for neuron in ids]


class Reporting(Neuron):
    """Sends what it draws: a draw that all make, and one under a condition."""

    keep = 0.5

    def forward(self, messages):
        drawn = self.binomial(1, self.keep)
        if self.index > 2:
            drawn += 2.0 * self.binomial(3, self.keep)
        self.feedforward(drawn)


def nested(batch: Batch) -> Batch:
    return replace(batch, nested=True)


def test_both_engines_draw_the_same(network, batch):
    """The gradient of the weights from a neuron to a linear output tells what it sent."""
    spec = network((6, Reporting, Identity()), (1, StandardNeuron, Identity()), cost=SquaredError(), bias=False)
    found = []
    for kind in (Compiled, Interpreter):
        engine, out = kind(spec, *np.zeros((2, spec.size), np.float32), seed=7), np.empty((4, spec.size), np.float32)
        for position in range(4):
            given = batch(np.zeros((1, 6)), -np.ones((1, 1), np.float32), first=position, total=1, lane=5)
            engine.gradient(nested(given), Rates(11, 1.0, 0.0), out[position])
        found.append(-out)
    np.testing.assert_array_equal(*found)
    assert set(found[0][:, :3].ravel()) == {0.0, 1.0}
    assert found[0][:, 3:].max() > 2.0
    place = U32(11), U32(random.FORWARD), *KEY
    expected = [
        [
            random.bernoulli_of(random.shared_word(neuron, U32(5), U32(position), True, *place), np.float32(0.5))
            for neuron in spec.ids[0][:3]
        ]
        for position in range(4)
    ]
    np.testing.assert_array_equal(found[0][:, :3], expected)


@pytest.mark.parametrize("compact", [False, True])
def test_training_agrees_with_the_interpreter(compact, network, batch, parameters):
    spec = network(
        (6, DropoutNeuron, Identity(), {"keep": 0.8}),
        (9, DropoutNeuron, ReLU()),
        (2, StandardNeuron, Identity()),
        cost=SquaredError(),
    )
    rng = np.random.default_rng(5)
    given = nested(batch(rng.normal(size=(5, 6)), rng.normal(size=(5, 2)).astype(np.float32), lane=2))
    results = []
    for kind in (Compiled, Interpreter):
        engine = kind(spec, parameters(spec), np.zeros(spec.size, np.float32), seed=3)
        if kind is Compiled:
            engine.submodels.worthwhile = lambda *_: compact
        for step in range(3):
            engine.step(given, replace(RATES, step=step))
        results.append(engine.parameters)
    np.testing.assert_allclose(*results, rtol=2e-5, atol=1e-6)
