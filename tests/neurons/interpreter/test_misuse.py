"""Mistakes in a neuron are NeuronErrors that point at the user's line."""

from __future__ import annotations

import inspect
from bdb import BdbQuit
from pathlib import Path

import numpy as np
import pytest

from horn.neurons import (
    Activation,
    Cost,
    FunctionInterlayer,
    Identity,
    Interpreter,
    NetworkSpec,
    Neuron,
    NeuronError,
    Rates,
    SquaredError,
    StandardNeuron,
    State,
)


class SilentForward(StandardNeuron):
    def forward(self, messages):  # HERE SilentForward
        for m in messages:
            self.total = m.input


class TwiceForward(StandardNeuron):
    def forward(self, messages):
        self.feedforward(1.0)
        self.feedforward(2.0)  # HERE TwiceForward


class SilentBackward(StandardNeuron):
    def backward(self, messages):  # HERE SilentBackward
        self.seen = sum(m.delta for m in messages)


class TwiceBackward(StandardNeuron):
    def backward(self, messages):
        self.backpropagate(1.0)
        self.backpropagate(1.0)  # HERE TwiceBackward


class TwicePush(StandardNeuron):
    def backward(self, messages):
        for m in messages:
            self.push(m.delta)
            self.push(m.prev_weight)  # HERE TwicePush
        self.backpropagate(0.0)


class TwoLoopsPush(StandardNeuron):
    def backward(self, messages):
        for m in messages:
            self.push(m.delta)
        for m in messages:
            self.push(m.prev_weight)  # HERE TwoLoopsPush
        self.backpropagate(0.0)


class PushBefore(StandardNeuron):
    def backward(self, messages):
        self.push(1.0)  # HERE PushBefore
        self.backpropagate(0.0)


class PushAfter(StandardNeuron):
    def backward(self, messages):
        for m in messages:
            self.last = m.delta
        self.push(self.last)  # HERE PushAfter
        self.backpropagate(0.0)


class PushAfterBreak(StandardNeuron):
    def backward(self, messages):
        for m in messages:
            self.last = m.delta
            break
        self.push(self.last)  # HERE PushAfterBreak
        self.backpropagate(0.0)


class PushForward(StandardNeuron):
    def forward(self, messages):
        for m in messages:
            self.push(m.weight)  # HERE PushForward


class FeedforwardBackward(StandardNeuron):
    def backward(self, messages):
        self.feedforward(1.0)  # HERE FeedforwardBackward


class BackpropagateForward(StandardNeuron):
    def forward(self, messages):
        self.backpropagate(1.0)  # HERE BackpropagateForward


class UndefinedName(StandardNeuron):
    def forward(self, messages):
        for _ in ():
            total = 0.0
        self.feedforward(total)  # HERE UndefinedName


class Unassigned(StandardNeuron):
    def backward(self, messages):
        self.backpropagate(self.mask)  # HERE Unassigned


class NoNumber(StandardNeuron):
    def forward(self, messages):
        self.feedforward("one")  # HERE NoNumber


class ChangesMessage(StandardNeuron):
    def forward(self, messages):
        for m in messages:
            m.weight = 0.0  # HERE ChangesMessage


class HalfTrial(StandardNeuron):
    def forward(self, messages):
        self.feedforward(self.binomial(1.5, 0.5))  # HERE HalfTrial


class Certain(StandardNeuron):
    def forward(self, messages):
        self.feedforward(self.binomial(1, 1.5))  # HERE Certain


def helper(x):
    return x / {}  # HERE helper


class Helped(StandardNeuron):
    def forward(self, messages):
        self.feedforward(helper(1.0))


class NoForward(Neuron):
    pass


class NoBackward(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * self.uniform(0.0, 1.0)
        self.feedforward(total)


def line(mark: str) -> int:
    """The number of the line of this file that is marked."""
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# HERE {mark}"))


def train(spec: NetworkSpec, batch, units: int = 1) -> None:
    flat = np.ones(spec.size, np.float32)
    engine = Interpreter(spec, flat, np.zeros_like(flat), seed=0)
    engine.gradient(batch([[1, 2]], np.zeros((1, units))), Rates(0, 1.0, 0.5), np.empty_like(flat))


@pytest.fixture
def mistake(network, batch):
    """Train a network whose inputs are neurons of the class, and return the error."""

    def provoke(cls: type[Neuron]) -> NeuronError:
        spec = network((2, cls, Identity()), (1, StandardNeuron, Identity()), cost=SquaredError())
        with pytest.raises(NeuronError) as caught:
            train(spec, batch)
        return caught.value

    return provoke


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (SilentForward, "SilentForward.forward returned without calling feedforward"),
        (TwiceForward, "TwiceForward calls feedforward twice in one forward"),
        (SilentBackward, "SilentBackward.backward returned without calling backpropagate"),
        (TwiceBackward, "TwiceBackward calls backpropagate twice in one backward"),
        (TwicePush, "TwicePush calls push twice for one message"),
        (TwoLoopsPush, "TwoLoopsPush calls push twice for one message"),
        (PushBefore, "PushBefore calls push outside of the loop"),
        (PushAfter, "PushAfter calls push outside of the loop"),
        (PushAfterBreak, "PushAfterBreak calls push outside of the loop"),
        (PushForward, "PushForward calls push in forward"),
        (FeedforwardBackward, "FeedforwardBackward calls feedforward in backward"),
        (BackpropagateForward, "BackpropagateForward calls backpropagate in forward"),
        (UndefinedName, "UndefinedName.forward (neuron 0 of layer 0) raised UnboundLocalError: cannot access local"),
        (Unassigned, "Unassigned.backward (neuron 0 of layer 0) raised AttributeError: 'Unassigned' object has no"),
        (NoNumber, "feedforward(output) needs a number, got 'one'"),
        (ChangesMessage, "raised FrozenInstanceError"),
        (HalfTrial, "n must be a whole number of trials, got 1.5"),
        (Certain, "p must be in [0, 1], got 1.5"),
    ],
)
def test_a_mistake_is_named_with_its_line(cls: type[Neuron], message: str, mistake) -> None:
    error = mistake(cls)
    assert message in error.message
    assert error.where is not None
    assert Path(error.where.file) == Path(__file__)
    assert error.where.line == line(cls.__name__)
    assert f'File "{error.where.file}", line {error.where.line}' in str(error)
    assert f"# HERE {cls.__name__}" in str(error)


def test_a_helpers_line_is_named(mistake) -> None:
    error = mistake(Helped)
    assert "Helped.forward (neuron 0 of layer 0) raised TypeError" in error.message
    assert error.where.line == line("helper")
    assert isinstance(error.__cause__, TypeError)


def test_who_leaves_the_debugger_is_not_blamed(network, batch) -> None:
    class Debugged(StandardNeuron):
        def forward(self, messages):
            raise BdbQuit

    with pytest.raises(BdbQuit):
        train(network((2, Debugged, Identity()), cost=SquaredError()), batch, units=2)


def test_missing_methods_are_named(mistake) -> None:
    assert "NoForward has no forward(self, messages)" in mistake(NoForward).message
    assert "NoBackward has no backward(self, messages)" in mistake(NoBackward).message


def test_a_push_is_not_taken_for_a_loop_around(network, batch) -> None:
    class Nested(StandardNeuron):
        """Reads all messages within the loop over them, and then pushes for the one at hand."""

        def backward(self, messages):
            for m in messages:
                total = sum(other.delta for other in messages)
                self.push(total * m.weight)
            self.backpropagate(0.0)

    spec = network((1, Nested, Identity()), (2, StandardNeuron, Identity()), cost=SquaredError(), bias=False)
    flat, out = np.array([2, 3], np.float32), np.empty(2, np.float32)
    Interpreter(spec, flat, np.zeros_like(flat), seed=0).gradient(batch([[1]], np.zeros((1, 2))), Rates(0, 1, 0), out)
    np.testing.assert_array_equal(out, [10, 15])


def test_an_own_init_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(NeuronError, match="Made overrides __init__") as caught:

        class Made(StandardNeuron):
            def __init__(self) -> None:
                self.keep = 0.5

    source, first = inspect.getsourcelines(test_an_own_init_is_refused_when_the_class_is_made)
    assert caught.value.where is not None
    assert caught.value.where.line == first + next(i for i, text in enumerate(source) if "def __init__" in text)


@pytest.mark.parametrize(("slip", "meant"), [("backwards", "backward"), ("foward", "forward")])
def test_a_slip_in_a_methods_name_is_refused_when_the_class_is_made(slip: str, meant: str) -> None:
    def method(self, messages):
        """Never called."""

    with pytest.raises(NeuronError, match=rf"Made\.{slip} is no method that Horn calls: did you mean {meant}\?"):
        type("Made", (StandardNeuron,), {slip: method})
    type("Made", (StandardNeuron,), {f"_{slip}": method, f"{meant}_of": method})


def test_a_state_without_an_initial_value_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(NeuronError, match=r"Made\.mean lacks its initial value: mean = State\(0\.0\)"):
        type("Made", (StandardNeuron,), {"mean": State})


def test_an_activation_and_a_cost_that_fail_are_named(network, batch) -> None:
    class Broken(Activation):
        def apply(self, x):
            return {}[x]

        def derivative(self, y):
            return 1.0

    class Costly(Cost):
        def apply(self, output, target):
            return 0.0

        def derivative(self, output, target):
            return "steep"

    spec = network((2, StandardNeuron, Identity()), (1, StandardNeuron, Broken()), cost=SquaredError())
    with pytest.raises(NeuronError, match=r"StandardNeuron\.forward .* raised KeyError") as caught:
        train(spec, batch)
    assert "return {}[x]" in caught.value.where.text
    spec = network((2, StandardNeuron, Identity()), (1, StandardNeuron, Identity()), cost=Costly())
    with pytest.raises(NeuronError, match=r"Costly\.derivative needs a number, got 'steep'"):
        train(spec, batch)


def test_an_interlayer_that_fails_is_named(network, layer, batch) -> None:
    def broken(output):
        return output.normalized

    first = network((2, StandardNeuron, Identity()), cost=SquaredError()).layers
    after = layer(2, StandardNeuron, Identity(), FunctionInterlayer(broken))
    with pytest.raises(NeuronError, match=r"interlayer function .*broken raised AttributeError") as caught:
        train(NetworkSpec((*first, after), SquaredError()), batch, units=2)
    assert "return output.normalized" in caught.value.where.text
