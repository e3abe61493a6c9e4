"""A method that is looked into, by `print` or `assert`, trains as it does without; what is not known is not guessed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from horn.neurons import (
    Compiled,
    Identity,
    Interpreter,
    NetworkSpec,
    Neuron,
    NeuronError,
    Rates,
    SquaredError,
    StandardNeuron,
    Tanh,
    explain,
    is_weighted_sum,
)


class Sum(Neuron):
    def forward(self, messages):
        total = sum(m.input * m.weight for m in messages)
        self.feedforward(self.activation(total + 0.1 * self.normal(0.0, 1.0)))


class LookedAtSum(Neuron):
    def forward(self, messages):
        for m in messages:
            print("message", m.sender, f"{m.input:.3f}")
        total = sum(m.input * m.weight for m in messages)
        if self.index == 0 and total > 0.0:
            print(self.index, total)
        assert math.isfinite(total), f"{total} in layer {self.layer}"  # HERE
        self.feedforward(self.activation(total + 0.1 * self.normal(0.0, 1.0)))


class Distance(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += (m.input - m.weight) ** 2
        self.feedforward(math.exp(-total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient - 0.01 * m.weight)
        self.backpropagate(gradient)


class LookedAtDistance(Distance):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += (m.input - m.weight) ** 2
            assert total >= 0.0
        print(total)
        self.feedforward(math.exp(-total))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            print(m.receiver, m.weight_gradient)
            self.push(-self.learning_rate * m.weight_gradient - 0.01 * m.weight)
        self.backpropagate(gradient)


class DrawsAside(Neuron):
    def forward(self, messages):
        total = sum(m.input * m.weight for m in messages)
        print(self.normal(0.0, 1.0))  # HERE DrawsAside
        self.feedforward(self.activation(total))


class Bound(Neuron):
    def forward(self, messages):
        print(total := sum(m.input * m.weight for m in messages))  # HERE Bound
        self.feedforward(self.activation(total))


class Table(StandardNeuron):
    def forward(self, messages):
        seen = {m.sender: m.input * m.weight for m in messages}  # HERE Table
        self.feedforward(self.activation(max(seen.values())))


class Waits(Neuron):
    async def forward(self, messages):  # HERE Waits
        self.feedforward(1.0)


class TableOfSum(StandardNeuron):
    def forward(self, messages):
        seen = {m.sender: m.input * m.weight for m in messages}
        self.feedforward(self.activation(sum(seen.values())))


class LocalSender(StandardNeuron):
    learning_rule = "local"

    def backward(self, messages):
        for m in messages:
            self.push(-self.learning_rate * self.output * m.delta)
        self.backpropagate(0.0)


def line(mark: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(mark))


def trained(spec: NetworkSpec, batch, parameters) -> np.ndarray:
    flat = parameters(spec)
    engine = Interpreter(spec, flat, np.zeros_like(flat), seed=3)
    for step in range(2):
        engine.step(batch(np.linspace(-1, 1, 12).reshape(4, 3), np.ones((4, 2))), Rates(step, 0.5, 0.9))
    return flat


@pytest.mark.parametrize(("plain", "looked_at"), [(Sum, LookedAtSum), (Distance, LookedAtDistance)])
def test_looking_changes_no_number(plain, looked_at, network, batch, parameters, capsys) -> None:
    def spec(cls: type[Neuron]) -> NetworkSpec:
        ends = (3, StandardNeuron, Identity()), (2, StandardNeuron, Identity())
        return network(ends[0], (4, cls, Tanh()), (3, cls, Tanh()), ends[1], cost=SquaredError(), bias=False)

    expected = trained(spec(plain), batch, parameters)
    assert not capsys.readouterr().out
    np.testing.assert_array_equal(trained(spec(looked_at), batch, parameters), expected)
    assert capsys.readouterr().out
    assert is_weighted_sum(looked_at, Tanh()) is is_weighted_sum(plain, Tanh())


def test_compiled_code_refuses_it(network) -> None:
    spec = network((3, StandardNeuron, Identity()), (2, LookedAtSum, Tanh()), cost=SquaredError())
    with pytest.raises(NeuronError, match=r"print cannot be compiled.*engine='interpreter'"):
        Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
    with pytest.raises(NeuronError, match="assert cannot be compiled"):
        explain(LookedAtDistance)


@pytest.mark.parametrize("cls", [DrawsAside, Bound])
def test_a_backward_that_is_left_out_needs_what_is_known(cls, network) -> None:
    spec = network((3, StandardNeuron, Identity()), (2, cls, Tanh()), cost=SquaredError())
    message = rf"layer 1 \({cls.__name__}\).*its backward is left out.*print cannot be compiled.*write one"
    with pytest.raises(NeuronError, match=message) as caught:
        Interpreter.prepare(spec)
    assert caught.value.where is not None
    assert caught.value.where.line == line(f"# HERE {cls.__name__}")
    Interpreter.prepare(spec, training=False)


def test_a_neuron_that_waits_is_refused() -> None:
    with pytest.raises(NeuronError, match=r"Waits\.forward is async, and nothing here waits: write def") as caught:
        explain(Waits)
    assert caught.value.where is not None
    assert caught.value.where.line == line("# HERE Waits")


def test_what_is_not_known_and_no_weighted_sum_is_not_trained_through(network, batch, parameters) -> None:
    spec = network((3, StandardNeuron, Identity()), (2, Table, Tanh()), cost=SquaredError())
    message = r"layer 0 \(StandardNeuron\) .*layer 1 \(Table\): that gives no weighted sum .*a dictionary cannot"
    with pytest.raises(NeuronError, match=message) as caught:
        trained(spec, batch, parameters)
    assert "engine='interpreter' runs any" not in caught.value.message
    assert caught.value.where is not None
    assert caught.value.where.line == line("# HERE Table")


def test_what_is_not_known_and_a_weighted_sum_is_trained_through(network, batch, parameters) -> None:
    def weights(cls: type[Neuron]) -> np.ndarray:
        return trained(
            network((3, StandardNeuron, Identity()), (2, cls, Tanh()), cost=SquaredError()), batch, parameters
        )

    np.testing.assert_allclose(weights(TableOfSum), weights(StandardNeuron), rtol=1e-5)


def test_a_rule_of_its_own_stands_before_any_python(network, batch, parameters) -> None:
    spec = network((3, LocalSender, Identity()), (2, Table, Tanh()), cost=SquaredError(), bias=False)
    before = parameters(spec)
    assert (trained(spec, batch, parameters) != before).any()
