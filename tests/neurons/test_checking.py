"""check_backward tells right from wrong backward methods, and where the fault stands."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from receivers import RECEIVERS, Receiver

from horn.neurons import (
    GELU,
    DropoutNeuron,
    Neuron,
    NeuronError,
    ReLU,
    Sigmoid,
    StandardNeuron,
    check_backward,
    library,
)


class ForgetsSlope(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient)  # HERE ForgetsSlope


class ForgetsWeight(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient * self.activation.derivative())  # HERE ForgetsWeight


class PushesWrong(StandardNeuron):
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.delta)  # HERE PushesWrong
        self.backpropagate(gradient * self.activation.derivative())


class Repeated(StandardNeuron):
    """It feeds forward within a loop: such a method has no derivative that Horn can take."""

    factor = 3.0

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.total = total
        power = 1.0
        for k in range(3):
            power *= total
            if k == 2:
                self.feedforward(power)

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient)
        self.backpropagate(gradient * self.factor * self.total**2)  # HERE Repeated


class Noisy(DropoutNeuron):
    """Written as in the paper, with decay, draws and momentum."""

    decay = 0.01

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            step = self.learning_rate * self.output * m.delta
            self.push(self.momentum * m.prev_weight - step - self.decay * m.weight)
        self.backpropagate(gradient * self.mask * self.activation.derivative())


def line(mark: str) -> int:
    lines = inspect.getsource(inspect.getmodule(line)).splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# HERE {mark}"))


@pytest.mark.parametrize("cls", [StandardNeuron, DropoutNeuron, Noisy])
def test_what_is_right(cls: type[Neuron]) -> None:
    report = check_backward(cls, activation=GELU, points=2)
    assert [item.what for item in report.comparisons] == ["delta", "push"]
    assert all(item.deviation < 1e-6 for item in report.comparisons)
    assert str(report).startswith(f"{cls.__name__}: backward agrees with forward at 2 points\n    delta: backward ")


@pytest.mark.parametrize("receiver", RECEIVERS[::4], ids=str)
def test_what_is_left_out_is_right(receiver: Receiver) -> None:
    report = check_backward(receiver.cls, activation=receiver.activation, points=1)
    assert "left to Horn" in str(report)


@pytest.mark.parametrize(
    ("cls", "message", "cure"),
    [
        (
            ForgetsSlope,
            "gives to backpropagate makes ∂cost/∂weight of an incoming synapse = ",
            "sum of m.input_gradient",
        ),
        (ForgetsWeight, "gives to backpropagate makes ∂cost/∂weight of an incoming synapse = ", "or leave it out"),
        (PushesWrong, "pushes makes ∂cost/∂weight of an outgoing synapse = ", "pushes -self.learning_rate"),
    ],
)
def test_what_is_wrong_names_term_line_and_cure(cls: type[Neuron], message: str, cure: str) -> None:
    said = rf"{cls.__name__}\.backward {message}-?[\d.e-]+, forward gives -?[\d.e-]+; .*{cure}"
    with pytest.raises(NeuronError, match=said) as caught:
        check_backward(cls, activation=Sigmoid, points=2)
    assert caught.value.where is not None
    assert caught.value.where.line == line(cls.__name__)


def test_where_forward_has_no_derivative_what_is_written_meets_differences() -> None:
    report = check_backward(Repeated, points=2)
    assert all(np.isnan(item.derived) and item.deviation < 1e-6 for item in report.comparisons)
    assert "delta: backward " in str(report)
    assert "no derivative, differences " in str(report)
    with pytest.raises(NeuronError, match=r"Repeated\.backward gives to backpropagate") as caught:
        check_backward(Repeated, points=2, factor=2.0)
    assert caught.value.where is not None
    assert caught.value.where.line == line("Repeated")


NEURONS = [it for it in (getattr(library, name) for name in library.__all__) if issubclass(it, Neuron)]
GRADIENTS = {"GatedNeuron", "MaxoutNeuron", "RBFNeuron"}


@pytest.mark.parametrize("cls", NEURONS, ids=lambda cls: cls.__name__)
def test_every_class_of_the_library(cls: type[Neuron]) -> None:
    if cls.__name__ in GRADIENTS:
        assert check_backward(cls, points=1).points == 1
        return
    surrogate = r"SpikingNeuron\.backward gives to backpropagate .* forward gives 0: its output changes in steps .*"
    local = rf'{cls.__name__} is marked learning_rule = "local": its rule is no gradient'
    with pytest.raises(NeuronError, match=surrogate if cls is library.SpikingNeuron else local):
        check_backward(cls, points=1)


def test_who_wrote_a_wrong_backward_is_named() -> None:
    class Doubled(StandardNeuron):
        def forward(self, messages):
            total = sum(m.input * m.weight for m in messages)
            self.feedforward(2.0 * self.activation(total))

    with pytest.raises(NeuronError, match=r"Doubled\.backward, inherited from StandardNeuron, gives to backpropagate"):
        check_backward(Doubled, points=1)


def test_hyperparameters_and_kinks() -> None:
    assert check_backward(DropoutNeuron, activation=ReLU(), keep=0.75, points=3).points == 3
    with pytest.raises(NeuronError, match="has no hyperparameter 'kept'"):
        check_backward(DropoutNeuron, kept=0.75)


def test_local_rules_are_no_gradients() -> None:
    class Local(StandardNeuron):
        learning_rule = "local"

    with pytest.raises(NeuronError, match="Local is marked learning_rule"):
        check_backward(Local)
