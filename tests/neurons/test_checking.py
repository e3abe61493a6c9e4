"""check_backward tells right from wrong backward methods, and where the fault stands."""

from __future__ import annotations

import inspect

import pytest
from receivers import RECEIVERS, Receiver

from horn.neurons import GELU, DropoutNeuron, Neuron, NeuronError, ReLU, Sigmoid, StandardNeuron, check_backward


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


@pytest.mark.parametrize("receiver", RECEIVERS, ids=str)
def test_what_is_left_out_is_right(receiver: Receiver) -> None:
    report = check_backward(receiver.cls, activation=receiver.activation, points=1)
    assert "left to Horn" in str(report)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ForgetsSlope, "gives to backpropagate makes ∂cost/∂weight of an incoming synapse = "),
        (ForgetsWeight, "gives to backpropagate makes ∂cost/∂weight of an incoming synapse = "),
        (PushesWrong, "pushes makes ∂cost/∂weight of an outgoing synapse = "),
    ],
)
def test_what_is_wrong_names_term_and_line(cls: type[Neuron], message: str) -> None:
    with pytest.raises(NeuronError, match=rf"{cls.__name__}\.backward {message}-?[\d.e-]+, forward gives ") as caught:
        check_backward(cls, activation=Sigmoid, points=2)
    assert caught.value.where is not None
    assert caught.value.where.line == line(cls.__name__)


def test_hyperparameters_and_kinks() -> None:
    assert check_backward(DropoutNeuron, activation=ReLU(), keep=0.75, points=3).points == 3
    with pytest.raises(NeuronError, match="has no hyperparameter 'kept'"):
        check_backward(DropoutNeuron, kept=0.75)


def test_local_rules_are_no_gradients() -> None:
    class Local(StandardNeuron):
        learning_rule = "local"

    with pytest.raises(NeuronError, match="Local is marked learning_rule"):
        check_backward(Local)
