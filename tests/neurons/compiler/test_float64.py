"""A network in float64: both engines push its gradient to the precision of central differences, and agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from named_bodies import BODIES

from horn.neurons import (
    GELU,
    Compiled,
    Cost,
    CrossEntropy,
    DropoutNeuron,
    Engine,
    FunctionInterlayer,
    Identity,
    Interpreter,
    NetworkSpec,
    Rates,
    Sigmoid,
    Softmax,
    SquaredError,
    StandardNeuron,
    Tanh,
)
from horn.neurons.compiler.analysis.analysis import analyse
from horn.neurons.library import GatedNeuron, MaxoutNeuron, RBFNeuron, SpikingNeuron

RATES = Rates(3, 1.0, 0.0)


def gradient(engine: type[Engine], spec: NetworkSpec, flat: np.ndarray, batch: Any) -> tuple[float, np.ndarray]:
    """Mean loss, and its slopes by what neurons push at learning rate 1 without momentum."""
    out = np.full(spec.size, np.nan, np.float64)
    score = engine(spec, flat.copy(), np.zeros_like(flat), seed=5).gradient(batch, RATES, out)
    return score.loss / score.examples, -out


def assert_slopes(engine: type[Engine], spec: NetworkSpec, flat: np.ndarray, data: Any) -> None:
    """What neurons push is the slope of the loss."""
    _, found = gradient(engine, spec, flat, data)
    expected = np.empty(spec.size)
    for i, step in enumerate(np.eye(spec.size) * 1e-5):
        (ahead, _), (behind, _) = (gradient(engine, spec, flat + way * step, data) for way in (1, -1))
        expected[i] = (ahead - behind) / 2e-5
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("engine", [Compiled, Interpreter])
@pytest.mark.parametrize(
    ("hidden", "output", "cost"),
    [
        (GELU(), Sigmoid(), CrossEntropy()),
        (Softmax(), Tanh(), SquaredError()),
    ],
)
def test_the_gradient_is_that_of_central_differences(engine, hidden, output, cost: Cost, network, batch) -> None:
    spec = network(
        (3, DropoutNeuron, Identity()), (4, DropoutNeuron, hidden), (2, StandardNeuron, output),
        cost=cost, precision=np.float64,
    )  # fmt: skip
    rng = np.random.default_rng(4)
    flat = rng.normal(size=spec.size)
    assert_slopes(engine, spec, flat, batch(rng.normal(size=(3, 3)), np.eye(2)[rng.integers(0, 2, 3)]))


@pytest.mark.parametrize(
    "classes", [(MaxoutNeuron, RBFNeuron), pytest.param((GatedNeuron, MaxoutNeuron), marks=pytest.mark.soak)]
)
def test_loops_in_lanes_and_the_derivatives_through_them(classes, chain, compare, batch) -> None:
    spec = chain((3, StandardNeuron), *zip((5, 4), classes, strict=True), (2, StandardNeuron, Tanh()),
                 precision=np.float64)  # fmt: skip
    for cls in (MaxoutNeuron, RBFNeuron):
        assert {report.tier for report in analyse(cls, Identity()).loops if report.method == "forward"} == {"lanes"}
    compare(spec, tolerance=1e-12)
    rng = np.random.default_rng(4)
    data = batch(rng.normal(size=(3, 3)), rng.normal(size=(3, 2)))
    assert_slopes(Compiled, spec, rng.normal(size=spec.size), data)


def test_both_engines_agree(chain, compare) -> None:
    spec = chain(
        (4, DropoutNeuron), (5, DropoutNeuron, GELU()), (6, SpikingNeuron), (3, StandardNeuron, Tanh()),
        regularization=0.01, max_norm=1.5, precision=np.float64,
    )  # fmt: skip
    found = compare(spec, tolerance=1e-12)
    assert {found[name].dtype for name in ("predict", "gradient 0", "parameters 1")} == {np.dtype(np.float64)}


@pytest.mark.parametrize("name", BODIES)
def test_a_neuron(name, define, around, compare, plain_kernels) -> None:
    with plain_kernels():
        compare(around(define(BODIES[name]).Unit, Tanh(), precision=np.float64), train=False, tolerance=1e-12)


KEEPING = """
TABLE = np.array([0.1, 0.7, 0.3, 1.1])


class Unit(StandardNeuron):
    level = State(0.3)
    moment = SynapseState(0.9)

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total - self.level * TABLE[self.index]))
        self.level += 0.1 * total

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            slope = self.output * m.delta
            self.push(-self.learning_rate * slope / (m.moment**0.5 + 0.01))
            m.moment = 0.9 * m.moment + 0.1 * slope * slope
        self.backpropagate(gradient * self.activation.derivative())
"""


def test_what_neurons_keep_and_read(define, around, compare) -> None:
    unit = define("from horn.neurons import State, SynapseState\n" + KEEPING).Unit
    compare(around(unit, Tanh(), precision=np.float64), tolerance=1e-12)


def test_an_interlayer_of_the_users_own(network, layer, compare) -> None:
    first = network((3, StandardNeuron, Identity()), (4, StandardNeuron, Sigmoid()), cost=SquaredError()).layers
    last = layer(4, StandardNeuron, Tanh(), FunctionInterlayer(lambda output: output / output.sum()))
    # The slopes of the user's function are central differences themselves.
    compare(NetworkSpec((*first, last), SquaredError(), precision=np.float64), tolerance=1e-9)


@pytest.mark.parametrize("engine", [Compiled, Interpreter])
def test_parameters_of_another_precision_are_refused(engine, around) -> None:
    spec = around(StandardNeuron, precision=np.float64)
    with pytest.raises(ValueError, match="computes in float64, its parameters are float32 and float64"):
        engine(spec, np.zeros(spec.size, np.float32), np.zeros(spec.size), seed=1)
