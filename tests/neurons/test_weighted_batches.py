"""Weights of examples in a batch: each example's cost, and with it what goes back from it, times its weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from horn.neurons import (
    CategoricalCrossEntropy,
    Compiled,
    Identity,
    Interpreter,
    Rates,
    Sigmoid,
    Softmax,
    SquaredError,
    StandardNeuron,
    Tanh,
)
from horn.neurons.library import HebbNeuron

ENGINES = [Compiled, Interpreter]
RATES = Rates(3, 1.0, 0.0)
WEIGHTS = np.array([0.5, 0.0, 3.0, 1.25], np.float32)


def run(engine, spec, data):
    """The score, and D at learning rate 1."""
    flat = np.random.default_rng(1).normal(size=spec.size).astype(spec.precision)
    out = np.full(spec.size, np.nan, spec.precision)
    return engine(spec, flat, np.zeros_like(flat), seed=5).gradient(data, RATES, out), out


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def cases(request, network, batch):
    """A network whose cost is fused with its softmax, one with a cost of its own; and a batch for both."""
    hidden = ((3, StandardNeuron, Identity()), (4, StandardNeuron, Tanh()))
    fused = network(*hidden, (2, StandardNeuron, Softmax()), cost=CategoricalCrossEntropy(), precision=request.param)
    own = network(*hidden, (2, StandardNeuron, Sigmoid()), cost=SquaredError(), precision=request.param)
    assert (fused.fused, own.fused) == (True, False)
    data = batch(np.random.default_rng(4).normal(size=(4, 3)), np.array([0, 1, 1, 0]), total=5)
    return (fused, own), data


@pytest.mark.parametrize("engine", ENGINES)
def test_a_weighted_batch_is_the_weighted_sum_of_its_examples(engine, cases):
    specs, data = cases
    for spec in specs:
        score, update = run(engine, spec, replace(data, weights=WEIGHTS))
        loss, expected = 0.0, np.zeros(spec.size)
        for e, weight in enumerate(WEIGHTS.tolist()):
            one = replace(
                data,
                inputs=data.inputs[[e]],
                targets=data.targets[[e]],
                positions=data.positions[[e]],
                lanes=data.lanes[[e]],
            )
            own, pushed = run(engine, spec, one)
            loss += weight * own.loss
            expected += weight * pushed.astype(np.float64)
        tolerance = 1e-5 if spec.precision is np.float32 else 1e-12
        np.testing.assert_allclose(update, expected, rtol=tolerance, atol=tolerance)
        assert score.loss == pytest.approx(loss, rel=tolerance)
        assert score.examples == 4


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_of_a_weighted_batch_add_up_to_it(engine, cases):
    specs, data = cases
    weighted = replace(data, weights=WEIGHTS)
    for spec in specs:
        whole, update = run(engine, spec, weighted)
        (first, one), (second, other) = (run(engine, spec, weighted.part(*part)) for part in ((0, 1), (1, 4)))
        np.testing.assert_allclose(one + other, update, rtol=1e-5, atol=1e-6)
        assert (first + second).loss == pytest.approx(whole.loss, rel=1e-6)


def test_both_engines_agree(cases):
    specs, data = cases
    for spec in specs:
        weighted = replace(data, weights=WEIGHTS)
        (one, update), (other, same) = (run(engine, spec, weighted) for engine in ENGINES)
        np.testing.assert_allclose(update, same, rtol=1e-5, atol=1e-6)
        assert (one.loss, one.correct) == (pytest.approx(other.loss, rel=1e-6), other.correct)


@pytest.mark.parametrize("engine", ENGINES)
def test_weights_of_one_are_none_to_the_bit(engine, cases):
    specs, data = cases
    for spec in specs:
        score, update = run(engine, spec, data)
        again, same = run(engine, spec, replace(data, weights=np.ones(4, np.float32)))
        assert score == again
        assert np.array_equal(update, same)


def test_a_rule_without_deltas_does_not_see_them(network, batch):
    spec = network((3, HebbNeuron, Identity()), (2, HebbNeuron, Identity()), cost=SquaredError(), bias=False)
    data = batch(np.random.default_rng(4).normal(size=(4, 3)), np.zeros((4, 2)))
    _, update = run(Interpreter, spec, data)
    _, same = run(Interpreter, spec, replace(data, weights=WEIGHTS))
    assert update.any()
    assert np.array_equal(update, same)
