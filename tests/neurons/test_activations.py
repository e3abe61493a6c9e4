"""Activations: slopes against central differences in float64, extremes, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from horn.neurons import GELU, Activation, Identity, NeuronError, ReLU, Sigmoid, Softmax, Tanh
from horn.neurons.activations import as_activation

MEMBERS = [Identity(), Sigmoid(), Tanh(), ReLU(), GELU(), Softmax()]


@pytest.mark.parametrize("activation", MEMBERS, ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("x", [-6.0, -1.3, -0.2, 0.1, 0.7, 2.0, 5.5])
def test_the_derivative_is_the_slope(activation: Activation, x: float) -> None:
    step = 1e-6
    slope = (activation.apply(x + step) - activation.apply(x - step)) / (2 * step)
    y = activation.apply(x)
    arguments = (y, x) if activation.needs_point() else (y,)
    assert activation.derivative(*arguments) == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("activation", MEMBERS, ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("x", [-1e30, -1e4, -750.0, 0.0, 750.0, 1e4, 1e30])
def test_nothing_overflows(activation: Activation, x: float) -> None:
    y = activation.apply(x)
    arguments = (y, x) if activation.needs_point() else (y,)
    assert math.isfinite(y)
    assert math.isfinite(activation.derivative(*arguments))


def test_values_are_those_of_the_formulas() -> None:
    assert Sigmoid().apply(0.0) == 0.5
    assert Sigmoid().apply(2.0) == pytest.approx(1 / (1 + math.exp(-2)))
    assert Sigmoid().apply(-2.0) == pytest.approx(1 / (1 + math.exp(2)))
    assert ReLU().apply(-3.0) == 0.0
    assert ReLU().apply(3.0) == 3.0
    assert ReLU().derivative(0.0) == 0.0
    assert GELU().apply(1.0) == pytest.approx(0.8413447460685429)


def test_softmax_carries_a_normalization() -> None:
    assert Softmax.interlayer is not None
    rows = Softmax.interlayer.apply_batch(np.array([[0, math.log(3)], [1e4, -1e4]], np.float32))
    np.testing.assert_allclose(rows, [[0.25, 0.75], [1.0, 0.0]], rtol=1e-6)
    assert rows.dtype == np.float32
    assert Identity.interlayer is None


def test_a_class_stands_for_its_object() -> None:
    assert isinstance(as_activation(ReLU), ReLU)
    gelu = GELU()
    assert as_activation(gelu) is gelu


def test_no_activation_is_refused() -> None:
    with pytest.raises(NeuronError, match="must be an Activation or a subclass of it, got 'relu'"):
        as_activation("relu")


def test_a_missing_derivative_is_refused() -> None:
    class Bare(Activation):
        def apply(self, x: float) -> float:
            return x

    with pytest.raises(NeuronError, match=r"Bare has no derivative\(self, y\) or derivative\(self, y, x\)"):
        as_activation(Bare)


def test_a_derivative_of_three_arguments_is_refused_with_its_line() -> None:
    class Odd(Activation):
        def apply(self, x: float) -> float:
            return x

        def derivative(self, y: float, x: float, z: float) -> float:
            return y + x + z

    with pytest.raises(NeuronError, match=r"Odd\.derivative must be") as caught:
        as_activation(Odd)
    assert caught.value.where is not None
    assert Path(caught.value.where.file) == Path(__file__)
    assert "def derivative(self, y: float, x: float, z: float)" in caught.value.where.text
