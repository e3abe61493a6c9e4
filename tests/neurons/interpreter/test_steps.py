"""Whole training steps against float64 NumPy: dropout, momentum, bias, regularization, max-norm, parts of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from horn.neurons import (
    CategoricalCrossEntropy,
    DropoutNeuron,
    Identity,
    Interpreter,
    NetworkSpec,
    Rates,
    ReLU,
    Softmax,
    SquaredError,
    StandardNeuron,
    random,
)
from horn.neurons.interpreter import steps as module

SEED = 11


@dataclass
class Oracle:
    """A two-layer softmax network with dropout on inputs and hidden units, trained in float64."""

    spec: NetworkSpec
    parameters: np.ndarray
    previous: np.ndarray

    def mask(self, layer: int, data, step: int) -> np.ndarray:
        keep = np.float32(self.spec.layers[layer].hyperparameters["keep"])
        rest = np.uint32(step), np.uint32(0), *random.key(SEED, random.TRAIN)
        return np.array(
            [
                [random.bernoulli_of(random.word(unit, lane, *rest), keep) for unit in self.spec.ids[layer]]
                for lane in data.lanes
            ],
            np.float64,
        )

    def forward(self, inputs, input_mask, hidden_mask):
        one, two = self.spec.blocks
        shown = inputs * input_mask
        hidden = np.maximum(shown @ one.weights(self.parameters) + one.matrix(self.parameters)[0], 0) * hidden_mask
        logits = hidden @ two.weights(self.parameters) + two.matrix(self.parameters)[0]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shown, hidden, powers / powers.sum(axis=1, keepdims=True)

    def step(self, data, rates: Rates) -> float:
        input_mask, hidden_mask = self.mask(0, data, rates.step), self.mask(1, data, rates.step)
        shown, hidden, outputs = self.forward(data.inputs, input_mask, hidden_mask)
        targets = np.eye(self.spec.layers[-1].units)[data.targets]
        delta = outputs - targets
        one, two = self.spec.blocks
        before = delta @ two.weights(self.parameters).T * hidden_mask * (hidden > 0)
        change = np.empty_like(self.parameters)
        decay = self.spec.regularization
        for block, values, deltas in ((one, shown, before), (two, hidden, delta)):
            block.weights(change)[:] = values.T @ deltas / data.total + decay * block.weights(self.parameters)
            block.matrix(change)[0] = deltas.sum(axis=0) / data.total
        self.previous = rates.momentum * self.previous - rates.learning_rate * change
        self.parameters = self.parameters + self.previous
        if self.spec.max_norm is not None:
            for block in self.spec.blocks:
                weights = block.weights(self.parameters)
                weights *= np.minimum(1, self.spec.max_norm / np.linalg.norm(weights, axis=0))
        return float(-np.log((outputs * targets).sum(axis=1)).sum())


@pytest.fixture
def dropout(network):
    def build(**options) -> NetworkSpec:
        return network(
            (5, DropoutNeuron, Identity(), {"keep": 0.8}),
            (6, DropoutNeuron, ReLU()),
            (3, StandardNeuron, Softmax()),
            cost=CategoricalCrossEntropy(),
            **options,
        )

    return build


@pytest.fixture
def data(batch):
    rng = np.random.default_rng(5)
    return batch(rng.normal(size=(8, 5)), rng.integers(0, 3, 8))


@pytest.mark.parametrize("options", [{}, {"regularization": 0.02}, {"max_norm": 1.1}], ids=str)
@pytest.mark.parametrize("lane", [None, 4], ids=["a mask per example", "a sub-model"])
def test_steps_are_those_of_the_oracle(options, lane, dropout, parameters, batch) -> None:
    spec = dropout(**options)
    flat, previous = parameters(spec), np.zeros(spec.size, np.float32)
    oracle = Oracle(spec, flat.astype(np.float64), previous.astype(np.float64))
    engine = Interpreter(spec, flat, previous, seed=SEED)
    rng = np.random.default_rng(5)
    for step in range(4):
        part = batch(rng.normal(size=(6, 5)), rng.integers(0, 3, 6), lane=lane)
        rates = Rates(step, 0.3 / (1 + step), 0.9)
        score = engine.step(part, rates)
        assert score.loss == pytest.approx(oracle.step(part, rates), rel=1e-4)
        np.testing.assert_allclose(flat, oracle.parameters, rtol=1e-4, atol=2e-6)
        np.testing.assert_allclose(previous, oracle.previous, rtol=1e-4, atol=2e-6)


def test_prediction_uses_the_whole_network_scaled(dropout, parameters, data) -> None:
    spec = dropout()
    flat = parameters(spec)
    oracle = Oracle(spec, flat.astype(np.float64), np.zeros(spec.size))
    outputs = Interpreter(spec, flat, np.zeros_like(flat), seed=SEED, training=False).predict(data.inputs)
    np.testing.assert_allclose(outputs, oracle.forward(data.inputs, 0.8, 0.5)[2], rtol=1e-5)
    assert outputs.dtype == np.float32


def test_score_counts_and_sums(dropout, parameters, data) -> None:
    spec = dropout()
    flat = parameters(spec)
    engine = Interpreter(spec, flat, np.zeros_like(flat), seed=SEED)
    outputs = engine.predict(data.inputs)
    score = engine.score(data.inputs, data.targets)
    assert score.examples == 8
    assert score.correct == (outputs.argmax(axis=1) == data.targets).sum()
    assert score.loss == pytest.approx(-np.log(outputs[np.arange(8), data.targets]).sum(), rel=1e-5)
    assert score == engine.score(data.inputs, np.eye(3, dtype=np.float32)[data.targets])


def test_parts_of_a_batch_add_up_to_the_whole(dropout, parameters, data, batch) -> None:
    spec = dropout()
    flat, previous = parameters(spec), parameters(spec, seed=1)
    engine = Interpreter(spec, flat, previous, seed=SEED)
    rates = Rates(3, 0.5, 0.9)
    whole, head, tail = (np.empty(spec.size, np.float32) for _ in range(3))
    total = engine.gradient(data, rates, whole)
    scores = [
        engine.gradient(batch(data.inputs[:3], data.targets[:3], total=8), rates, head),
        engine.gradient(batch(data.inputs[3:], data.targets[3:], first=3, total=8), rates, tail),
    ]
    np.testing.assert_allclose(head + tail, whole, rtol=1e-5, atol=1e-7)
    assert (scores[0] + scores[1]).loss == pytest.approx(total.loss)
    assert scores[0].correct + scores[1].correct == total.correct


def test_a_step_is_gradient_apply_and_limit_in_any_pieces(dropout, parameters, data) -> None:
    spec = dropout(regularization=0.01, max_norm=1.0)
    rates = Rates(2, 0.5, 0.9)
    alone, alone_previous = parameters(spec), parameters(spec, seed=1)
    Interpreter(spec, alone, alone_previous, seed=SEED).step(data, rates)
    flat, previous = parameters(spec), parameters(spec, seed=1)
    engine = Interpreter(spec, flat, previous, seed=SEED)
    update = np.empty(spec.size, np.float32)
    engine.gradient(data, rates, update)
    for start in range(0, spec.size, 7):  # pieces that respect neither blocks nor rows
        stop = min(start + 7, spec.size)
        engine.apply(update[start:stop], rates, start, stop)
    for part in range(4):
        engine.limit_norms(part, 4)
    np.testing.assert_array_equal(flat, alone)
    np.testing.assert_array_equal(previous, alone_previous)


@pytest.mark.parametrize("split", [lambda rates: (rates.momentum, 0.0), lambda rates: (0.5, 0.25)])
def test_the_split_of_a_push_changes_nothing_but_the_place(split, dropout, parameters, data, monkeypatch) -> None:
    spec = dropout(regularization=0.01)
    rates = Rates(2, 0.5, 0.9)
    results = []
    for found in (lambda rates: (0.0, 0.0), split):
        monkeypatch.setattr(module, "push_split", lambda layer, index, rates, precision, found=found: found(rates))
        flat, previous = parameters(spec), parameters(spec, seed=1)
        Interpreter(spec, flat, previous, seed=SEED).step(data, rates)
        results.append((flat, previous))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-6)


class Decaying(StandardNeuron):
    """Weight decay in the push."""

    decay = 0.25

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight - self.decay * m.weight)
        self.backpropagate(0.0)


def test_what_depends_on_no_example_is_left_out_of_the_gradient_and_applied_once(network, batch, parameters) -> None:
    spec = network((2, Decaying, Identity(), {"decay": 0.125}), (3, StandardNeuron, Identity()), cost=SquaredError())
    flat, previous = parameters(spec), parameters(spec, seed=1)
    before = flat.copy(), previous.copy()
    engine = Interpreter(spec, flat, previous, seed=SEED)
    rates = Rates(0, 0.0, 0.5)  # a rate of 0: nothing else is pushed
    update = np.empty(spec.size, np.float32)
    engine.gradient(batch(np.ones((2, 2)), np.ones((2, 3)), total=8), rates, update)
    np.testing.assert_allclose(update, 0, atol=1e-7)
    engine.apply(update, rates, 0, spec.size)
    np.testing.assert_allclose(previous, 0.5 * before[1] - 0.125 * before[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(flat, before[0] + previous, rtol=1e-6)


def test_max_norm_leaves_biases_and_short_columns_alone(network, parameters) -> None:
    spec = network((2, StandardNeuron, Identity()), (2, StandardNeuron, Identity()), cost=SquaredError(), max_norm=5.0)
    flat = np.array([100, 100, 6, 0.3, 8, 0.4], np.float32)
    Interpreter(spec, flat, np.zeros_like(flat), seed=0).limit_norms(0, 1)
    np.testing.assert_allclose(flat, [100, 100, 3, 0.3, 4, 0.4], rtol=1e-6)


def test_an_empty_part_contributes_nothing(dropout, parameters, batch) -> None:
    spec = dropout()
    flat = parameters(spec)
    out = np.full(spec.size, np.nan, np.float32)
    empty = batch(np.empty((0, 5)), np.empty(0, np.int64), total=4)
    score = Interpreter(spec, flat, np.zeros_like(flat), seed=SEED).gradient(empty, Rates(0, 1.0, 0.0), out)
    assert score.examples == 0
    assert not out.any()
