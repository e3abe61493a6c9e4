"""Costs: slopes against central differences in float64, clipping, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from horn.neurons import CategoricalCrossEntropy, Cost, CrossEntropy, NeuronError, SquaredError
from horn.neurons.costs import as_cost

MEMBERS = [SquaredError(), CrossEntropy(), CategoricalCrossEntropy()]


@pytest.mark.parametrize("cost", MEMBERS, ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("output", [0.05, 0.5, 0.93])
def test_the_derivative_is_the_slope(cost: Cost, output: float, target: float) -> None:
    step = 1e-6
    slope = (cost.apply(output + step, target) - cost.apply(output - step, target)) / (2 * step)
    assert cost.derivative(output, target) == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_squared_error_is_half_the_square() -> None:
    assert SquaredError().apply(3.0, 1.0) == 2.0


@pytest.mark.parametrize("kind", [float, np.float32])
def test_saturated_outputs_cost_and_learn_finitely(kind: type) -> None:
    for output, target in [(0.0, 1.0), (1.0, 0.0)]:
        assert CrossEntropy().apply(kind(output), kind(target)) == pytest.approx(-math.log(1.1e-7), rel=0.01)
        slope = CrossEntropy().derivative(kind(output), kind(target))
        assert math.isfinite(slope)
        assert np.sign(slope) == np.sign(output - target)
    assert CategoricalCrossEntropy().apply(kind(0.0), kind(1.0)) == pytest.approx(-math.log(1e-7))
    assert CategoricalCrossEntropy().derivative(kind(0.0), kind(1.0)) == pytest.approx(-1e7)


def test_clipping_is_the_same_in_both_precisions() -> None:
    single = CrossEntropy().apply(np.float32(1.0), np.float32(0.0))
    assert CrossEntropy().apply(1.0, 0.0) == pytest.approx(single, rel=1e-6)


def test_cross_entropy_over_a_distribution_is_categorical() -> None:
    assert type(CrossEntropy().over_normalized_outputs()) is CategoricalCrossEntropy
    squared = SquaredError()
    assert squared.over_normalized_outputs() is squared


def test_a_class_stands_for_its_object_and_others_are_refused() -> None:
    assert isinstance(as_cost(SquaredError), SquaredError)
    with pytest.raises(NeuronError, match="must be a Cost or a subclass of it, got 3"):
        as_cost(3)
