"""What neurons and synapses keep from batch to batch: both engines agree, and NumPy says the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from horn.neurons import (
    Batch,
    Compiled,
    Dense,
    DropoutNeuron,
    Engine,
    Identity,
    Interpreter,
    Layer,
    NetworkSpec,
    Neuron,
    Rates,
    ReLU,
    SquaredError,
    StandardNeuron,
    State,
    SynapseState,
    Tanh,
)
from horn.neurons.compiler.analysis.compatibility import layer_analysis
from horn.neurons.neuron import hyperparameters

REDUCTIONS = ("mean", "sum", "last")


def drifting(reduce: str) -> type[Neuron]:
    """Keeps something of its sums, from forward alone."""

    class Drifting(StandardNeuron):
        level = State(0.5, reduce)

        def forward(self, messages):
            total = 0.0
            for m in messages:
                total += m.input * m.weight
            self.feedforward(self.activation(total - self.level))
            self.level += 0.25 * total

    return Drifting


def returning(reduce: str) -> type[Neuron]:
    """Keeps something in both methods: backward goes on from what forward has left."""

    class Returning(StandardNeuron):
        level = State(0.25, reduce)
        rest = State(2.0, reduce)
        unused = State(7.0, reduce)

        def forward(self, messages):
            total = 0.0
            for m in messages:
                total += m.input * m.weight
            if total > 0.0:
                self.level = total
            self.feedforward(self.activation(total) + self.level)

        def backward(self, messages):
            gradient = 0.0
            for m in messages:
                gradient += m.delta * m.weight
                self.push(-self.learning_rate * self.rest * self.output * m.delta)
            self.level = 0.5 * self.level + gradient
            if gradient > 0.0:
                self.rest = gradient
            self.backpropagate(gradient * self.activation.derivative())

    return Returning


def tracing(reduce: str) -> type[Neuron]:
    """An eligibility trace for each outgoing synapse, and a second number that only some examples touch."""

    class Tracing(StandardNeuron):
        trace = SynapseState(0.5, reduce)
        seen = SynapseState(0.0, reduce)

        def backward(self, messages):
            gradient = 0.0
            for m in messages:
                gradient += m.input_gradient + m.trace
                m.trace = 0.5 * m.trace + self.output
                if m.delta < 0.0:
                    continue
                m.seen += 1.0
                m.seen += m.trace
                self.push(-self.learning_rate * m.delta * m.trace + self.momentum * m.prev_weight)
            self.backpropagate(gradient * self.activation.derivative())

    return Tracing


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("build", [drifting, returning, tracing])
def test_both_engines_agree_bitwise(build, reduce, around, chain, compare, plain_kernels) -> None:
    cls = build(reduce)
    with plain_kernels():
        compare(around(cls), exact=True)
        compare(around(cls, ReLU()), exact=True, seed=1)
        compare(chain((3, cls), (2, StandardNeuron), bias=False), exact=True)
        compare(chain((3, StandardNeuron), (2, cls)), exact=True)


def test_both_engines_agree_in_machine_code(chain, compare) -> None:
    spec = chain(
        (3, tracing("mean")), (4, returning("sum"), Tanh()), (3, drifting("last"), Tanh()), (2, StandardNeuron)
    )
    compare(spec, examples=5)


def test_layers_beside_it_are_still_dropped(chain, compare, plain_kernels) -> None:
    class Masked(DropoutNeuron):
        level = State(0.0)

        def forward(self, messages):
            self.level += 1.0
            super().forward(messages)

    def analysis(cls: type[Neuron]) -> Any:
        return layer_analysis(Layer(3, cls, Identity(), hyperparameters(cls), None))

    assert analysis(DropoutNeuron).drop is not None
    assert analysis(Masked).drop is None
    with plain_kernels():
        compare(chain((5, DropoutNeuron), (4, Masked), (5, DropoutNeuron), (2, StandardNeuron), numbers={"keep": 0.5}))


# Against NumPy ------------------------------------------------------------------------------------------------------

RATES = Rates(0, 0.5, 0.75)


def spec_of(*layers: tuple[int, type[Neuron]], **options: Any) -> NetworkSpec:
    found = [
        Layer(units, cls, Identity(), hyperparameters(cls), Dense(True) if number else None)
        for number, (units, cls) in enumerate(layers)
    ]
    return NetworkSpec(tuple(found), SquaredError(), **options)


def task(spec: NetworkSpec, examples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    parameters = rng.normal(size=spec.size).astype(np.float32)
    inputs = rng.normal(size=(examples, spec.layers[0].units)).astype(np.float32)
    targets = rng.normal(size=(examples, spec.layers[-1].units)).astype(np.float32)
    return parameters, inputs, targets


def parts(inputs: np.ndarray, targets: np.ndarray, *bounds: int) -> list[Batch]:
    """A job's batch, cut."""
    found = []
    for start, stop in zip((0, *bounds), (*bounds, len(inputs)), strict=True):
        places = np.arange(start, stop, dtype=np.uint32)
        found.append(Batch(inputs[start:stop], targets[start:stop], places, places, len(inputs)))
    return found


def reduced(changes: np.ndarray, reduce: str) -> np.ndarray:
    return {"mean": changes.mean(axis=0), "sum": changes.sum(axis=0), "last": changes[-1]}[reduce]


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_changes_are_reduced_over_the_job(kind: type[Engine], reduce, plain_kernels) -> None:
    spec = spec_of((3, StandardNeuron), (4, drifting(reduce)), (2, StandardNeuron))
    parameters, inputs, targets = task(spec, 7)
    weights = spec.blocks[0].matrix(parameters).astype(np.float64)
    changes = 0.25 * (weights[0] + inputs @ weights[1:])
    (state,) = spec.states
    with plain_kernels():
        engine = kind(spec, parameters, np.zeros_like(parameters), seed=0)
        total = np.zeros(spec.size)
        for part in parts(inputs, targets, 2, 3):
            out = np.full(spec.size, np.nan, np.float32)
            engine.gradient(part, RATES, out)
            total += out
    np.testing.assert_allclose(state.matrix(total)[0], reduced(changes, reduce), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_second_moments_of_synapses(kind: type[Engine], reduce, plain_kernels) -> None:
    class Scaled(StandardNeuron):
        moment = SynapseState(1.0, reduce)
        decay = 0.75

        def backward(self, messages):
            gradient = 0.0
            for m in messages:
                gradient += m.input_gradient
                slope = m.weight_gradient
                m.moment = self.decay * m.moment + (1.0 - self.decay) * slope * slope
                self.push(-self.learning_rate * slope / (m.moment + 0.5) ** 0.5)
            self.backpropagate(gradient)

    spec = spec_of((3, Scaled), (2, StandardNeuron))
    parameters, inputs, targets = task(spec, 6)
    (block,), (state,) = spec.blocks, spec.states
    moments = np.abs(state.matrix(parameters))
    state.matrix(parameters)[:] = moments
    weights = block.matrix(parameters).astype(np.float64)
    sent = np.column_stack([np.ones(6), inputs.astype(np.float64)])
    slopes = sent[:, :, None] * (sent @ weights - targets)[:, None, :]
    left = 0.75 * moments + 0.25 * slopes**2
    with plain_kernels():
        engine = kind(spec, parameters.copy(), np.zeros_like(parameters), seed=0)
        total = np.zeros(spec.size)
        for part in parts(inputs, targets, 5):
            out = np.empty(spec.size, np.float32)
            engine.gradient(part, RATES, out)
            total += out
    np.testing.assert_allclose(state.matrix(total), reduced(left - moments, reduce), rtol=1e-4, atol=1e-5)
    pushed = (-0.5 * slopes / np.sqrt(left + 0.5)).mean(axis=0)
    np.testing.assert_allclose(block.matrix(total), pushed, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_the_change_is_applied_in_full_and_nothing_else(kind: type[Engine], plain_kernels) -> None:
    """Neither momentum nor decay nor a bound on norms reaches it, by one step or in pieces."""
    spec = spec_of((3, tracing("mean")), (4, returning("sum")), (2, StandardNeuron), regularization=0.5, max_norm=0.25)
    parameters, inputs, targets = task(spec, 4)
    (batch,) = parts(inputs, targets)
    kept = slice(spec.parameter_count, spec.size)
    with plain_kernels():
        previous = np.ones_like(parameters)
        engine = kind(spec, parameters.copy(), previous, seed=0)
        change = np.empty(spec.size, np.float32)
        engine.gradient(batch, RATES, change)
        expected = parameters[kept] + change[kept]
        for start in range(0, spec.size, 5):
            stop = min(start + 5, spec.size)
            engine.apply(change[start:stop], RATES, start, stop)
        np.testing.assert_array_equal(engine.parameters[kept], expected)
        np.testing.assert_array_equal(previous[kept], change[kept])
        alone = kind(spec, parameters.copy(), np.ones_like(parameters), seed=0)
        alone.step(batch, RATES)
        np.testing.assert_array_equal(alone.parameters[kept], expected)
        assert np.abs(change[kept]).max() > 0.0


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_the_bias_reads_where_a_state_starts_and_leaves_nothing(kind: type[Engine], plain_kernels) -> None:
    class Rated(StandardNeuron):
        rate = State(0.25, "sum")

        def backward(self, messages):
            gradient = 0.0
            for m in messages:
                gradient += m.input_gradient
                self.push(self.rate * m.weight_gradient)
            self.rate += 1.0
            self.backpropagate(gradient)

    layers = spec_of((3, Rated), (2, StandardNeuron)).layers
    for initial, start in (({}, 0.25), ({"rate": 4.0}, 4.0)):
        own = Layer(3, Rated, Identity(), {}, None, initial)
        spec = NetworkSpec((own, layers[1]), SquaredError())
        parameters, inputs, targets = task(spec, 5)
        (batch,), (block,), (state,) = parts(inputs, targets), spec.blocks, spec.states
        assert state.initial == start
        weights = block.matrix(parameters)
        deltas = weights[0] + inputs @ weights[1:] - targets
        rates = np.concatenate([[start], state.matrix(parameters)[0]])
        slopes = np.column_stack([np.ones(5), inputs]).T @ deltas / 5
        with plain_kernels():
            out = np.empty(spec.size, np.float32)
            kind(spec, parameters, np.zeros_like(parameters), seed=0).gradient(batch, RATES, out)
        np.testing.assert_allclose(block.matrix(out), rates[:, None] * slopes, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(state.matrix(out)[0], [5.0, 5.0, 5.0], rtol=1e-6)


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_where_no_weights_follow_a_synapse_keeps_nothing(kind: type[Engine], plain_kernels) -> None:
    class Last(StandardNeuron):
        gain = SynapseState(3.0)

        def backward(self, messages):
            gradient = 0.0
            for m in messages:
                m.gain += 1.0
                gradient += m.gain * m.delta
            self.backpropagate(gradient)

    spec = spec_of((2, StandardNeuron), (3, Last))
    assert spec.states == ()
    parameters, inputs, targets = task(spec, 4)
    (batch,), (block,) = parts(inputs, targets), spec.blocks
    weights = block.matrix(parameters)
    deltas = 4.0 * (weights[0] + inputs @ weights[1:] - targets)
    with plain_kernels():
        out = np.empty(spec.size, np.float32)
        kind(spec, parameters, np.zeros_like(parameters), seed=0).gradient(batch, RATES, out)
    expected = -0.5 * np.column_stack([np.ones(4), inputs]).T @ deltas / 4
    np.testing.assert_allclose(block.matrix(out), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_prediction_reads_and_changes_nothing(kind: type[Engine], plain_kernels) -> None:
    spec = spec_of((3, StandardNeuron), (4, drifting("sum")))
    parameters, inputs, _ = task(spec, 4)
    before = parameters.copy()
    with plain_kernels():
        found = kind(spec, parameters, np.zeros_like(parameters), seed=0, training=False).predict(inputs)
    np.testing.assert_array_equal(parameters, before)
    weights = spec.blocks[0].matrix(parameters)
    expected = weights[0] + inputs @ weights[1:] - spec.states[0].matrix(parameters)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [Interpreter, Compiled])
def test_an_example_that_does_not_count_does_no_harm(kind: type[Engine], plain_kernels) -> None:
    class Reciprocal(StandardNeuron):
        inverse = State(0.0, "last")
        traced = SynapseState(0.0, "last")

        def forward(self, messages):
            for m in messages:
                self.inverse = np.float32(1.0) / m.input
                self.feedforward(m.input)

        def backward(self, messages):
            for m in messages:
                m.traced = self.inverse
            self.backpropagate(0.0)

    spec = spec_of((2, Reciprocal), (1, StandardNeuron))
    parameters = np.zeros(spec.size, np.float32)
    (batch,) = parts(np.array([[0.0, 1.0], [2.0, 4.0]], np.float32), np.zeros((2, 1), np.float32))
    with plain_kernels():
        kind(spec, parameters, np.zeros_like(parameters), seed=0).step(batch, RATES)
    inverse, traced = (state.matrix(parameters) for state in spec.states)
    np.testing.assert_array_equal(inverse, [[0.5, 0.25]])
    np.testing.assert_array_equal(traced[1:, 0], [0.5, 0.25])


# What is said ---------------------------------------------------------------------------------------------------------


def test_the_report_of_a_loop_says_why_it_stays_one() -> None:
    layer = Layer(3, tracing("mean"), Identity(), {}, None)
    (report,) = [report for report in layer_analysis(layer).loops if report.method == "backward"]
    assert report.kept is not None
    assert report.kept.reason == "m.seen is a number of each synapse (SynapseState)"
    loops = layer_analysis(Layer(3, returning("mean"), Identity(), {}, None)).loops
    assert [report.kept for report in loops] == [None, None]
