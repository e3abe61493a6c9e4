"""A layer's own factor of the learning rate, and frozen layers: what neurons see, and what no step touches."""

from dataclasses import replace

import numpy as np
import pytest

from horn.neurons import (
    Batch,
    Compiled,
    DropoutNeuron,
    Interpreter,
    NetworkSpec,
    Rates,
    StandardNeuron,
    State,
    SynapseState,
    Tanh,
)
from horn.neurons.library import RBFNeuron

RATES = Rates(1, 0.5, 0.25)


class Restless(StandardNeuron):
    """Pushes whatever the rate, beside a rate that it counts in forward too."""

    seen = State(0.0, "last")
    pulled = SynapseState(0.0)

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.seen = self.learning_rate
        self.feedforward(self.activation(total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            m.pulled = m.pulled + self.learning_rate
            self.push(1.0 + 0.5 * m.prev_weight - self.learning_rate * self.output * m.delta * m.weight)
        self.backpropagate(gradient * self.activation.derivative())


def with_factors(spec: NetworkSpec, **factors: float) -> NetworkSpec:
    """The network with other factors, ``layer_1=`` and so on."""
    layers = [replace(it, rate_factor=factors.get(f"layer_{i}", 1.0)) for i, it in enumerate(spec.layers)]
    return replace(spec, layers=tuple(layers))


@pytest.fixture
def networks(chain):
    """Pushes as products, as loops with momentum of their own, into neurons that are no sums; with dropout; plain."""
    return {
        "dropout": chain((3, DropoutNeuron), (4, DropoutNeuron, Tanh()), (2, StandardNeuron), regularization=0.125),
        "restless": chain((3, StandardNeuron), (4, Restless, Tanh()), (2, StandardNeuron)),
        "rbf": chain((3, StandardNeuron), (4, RBFNeuron), (2, StandardNeuron)),
        "bounded": chain((3, StandardNeuron), (4, StandardNeuron), (2, StandardNeuron), max_norm=0.25),
    }


@pytest.mark.parametrize("name", ["dropout", "restless", "rbf", "bounded"])
@pytest.mark.parametrize("factors", [{"layer_1": 0.5, "layer_2": 2.0}, {"layer_1": 0.0, "layer_2": 0.5}], ids=str)
def test_both_engines_mean_the_same(name, factors, networks, compare):
    compare(with_factors(networks[name], **factors))


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
@pytest.mark.parametrize("name", ["dropout", "restless", "rbf", "bounded"])
@pytest.mark.parametrize("frozen", [1, 2])
def test_no_step_touches_what_is_frozen(kind, name, frozen, networks):
    spec = with_factors(networks[name], **{f"layer_{frozen}": 0.0})
    rng = np.random.default_rng(3)
    flat, previous, update = (rng.normal(size=spec.size).astype(np.float32) for _ in range(3))
    engine = kind(spec, flat.copy(), previous.copy(), seed=1)
    if kind is Compiled:
        engine.submodels.worthwhile = lambda examples, weights, kept: True
    positions = np.arange(4, dtype=np.uint32)
    inputs, targets = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(4, 2)).astype(np.float32)
    block, other = spec.block_into(frozen), spec.block_into(3 - frozen)
    for lanes in (positions, np.zeros_like(positions)):
        batch = Batch(inputs, targets, positions, lanes, 4)
        engine.step(batch, RATES)
        engine.gradient(batch, RATES, update)
        assert not block.matrix(update).any()
        assert other.matrix(update).any()
        update += 1.0  # what a strategy makes of it
        before = update.copy()
        engine.complete(update, RATES, 0, spec.size)
        assert np.array_equal(block.matrix(update), block.matrix(before))
        engine.apply(update, RATES, 0, spec.size)
        engine.limit_norms(0, 1)
    assert np.array_equal(block.matrix(engine.parameters), block.matrix(flat))
    assert np.array_equal(block.matrix(engine.previous), block.matrix(previous))
    assert not np.array_equal(other.matrix(engine.parameters), other.matrix(flat))


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_neurons_see_the_rate_of_the_connection_that_they_send_over(kind, networks):
    spec = with_factors(networks["restless"], layer_1=0.5, layer_2=0.25)
    engine = kind(spec, np.zeros(spec.size, np.float32), np.zeros(spec.size, np.float32), seed=1)
    places = np.zeros(1, np.uint32)
    batch = Batch(np.ones((1, 3), np.float32), np.ones((1, 2), np.float32), places, places, 1)
    engine.step(batch, RATES)
    seen = {state.name: state.matrix(engine.parameters) for state in spec.states}
    assert (seen["seen"] == 0.5 * 0.25).all()
    assert (seen["pulled"] == 0.5 * 0.25).all()


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_completing_an_update_is_what_applying_adds_to_it(kind, networks):
    spec = with_factors(networks["dropout"], layer_1=0.5)
    rng = np.random.default_rng(4)
    flat, previous, update = (rng.normal(size=spec.size).astype(np.float32) for _ in range(3))
    completing, applying = (kind(spec, flat.copy(), previous.copy(), seed=1) for _ in range(2))
    applying.apply(update.copy(), RATES, 0, spec.size)
    completing.complete(update, RATES, 0, spec.size)
    assert np.allclose(update, applying.previous, rtol=1e-6, atol=1e-6)
    assert np.array_equal(completing.parameters, flat)
