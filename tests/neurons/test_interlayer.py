"""Interlayer functions: the derived Jacobian against the analytic one, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from horn.neurons import CategoricalCrossEntropy, CrossEntropy, FunctionInterlayer, NeuronError, SquaredError
from horn.neurons.activations import SoftmaxNormalization


class CategoricalTwice(CategoricalCrossEntropy):
    def derivative(self, output: float, target: float) -> float:
        return 2 * super().derivative(output, target)


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(6, 5)).astype(np.float32), rng.normal(size=(6, 5)).astype(np.float32)


def test_the_derived_jacobian_is_softmax_analytic_one(rows: tuple[np.ndarray, np.ndarray]) -> None:
    outputs, gradients = rows
    softmax = SoftmaxNormalization()
    plain = FunctionInterlayer(lambda x: np.exp(x) / np.exp(x).sum())
    normalized = softmax.apply_batch(outputs)
    np.testing.assert_allclose(plain.apply_batch(outputs), normalized, rtol=1e-5)
    analytic = softmax.backward_batch(outputs, normalized, gradients)
    np.testing.assert_allclose(plain.backward_batch(outputs, normalized, gradients), analytic, atol=1e-6)
    one = softmax.backward(outputs[0], normalized[0], gradients[0])
    np.testing.assert_allclose(one, analytic[0], rtol=1e-5, atol=1e-7)


def test_division_by_the_sum(rows: tuple[np.ndarray, np.ndarray]) -> None:
    outputs, gradients = np.abs(rows[0]) + 1, rows[1]
    sums = FunctionInterlayer(lambda x: x / x.sum())
    normalized = sums.apply_batch(outputs)
    total = outputs.sum(axis=1, keepdims=True)
    expected = gradients / total - (gradients * outputs).sum(axis=1, keepdims=True) / total**2
    np.testing.assert_allclose(sums.backward_batch(outputs, normalized, gradients), expected, atol=1e-6)


def test_a_given_jacobian_is_used(rows: tuple[np.ndarray, np.ndarray]) -> None:
    outputs, gradients = rows
    double = FunctionInterlayer(lambda x: 2 * x, backward=lambda output, normalized, gradient: 2 * gradient)
    np.testing.assert_array_equal(double.backward_batch(outputs, 2 * outputs, gradients), 2 * gradients)


def test_fusion_is_for_softmax_with_its_own_cost_only() -> None:
    softmax = SoftmaxNormalization()
    assert softmax.fused_gradient(CategoricalCrossEntropy())
    assert not softmax.fused_gradient(CategoricalTwice())
    assert not softmax.fused_gradient(CrossEntropy())
    assert not softmax.fused_gradient(SquaredError())


def shorter(output: np.ndarray) -> np.ndarray:
    return output[1:]


def test_a_vector_of_another_length_is_refused_with_the_line() -> None:
    with pytest.raises(
        NeuronError, match=r"interlayer function shorter: apply must return .* 5 units, got shape \(4,"
    ) as e:
        FunctionInterlayer(shorter).apply_batch(np.ones((2, 5), np.float32))
    assert e.value.where is not None
    assert Path(e.value.where.file) == Path(__file__)
    assert e.value.where.line == shorter.__code__.co_firstlineno


def test_a_jacobian_of_another_length_is_refused() -> None:
    wrong = FunctionInterlayer(lambda x: x, backward=lambda output, normalized, gradient: gradient[:2])
    three = np.ones((1, 3), np.float32)
    with pytest.raises(NeuronError, match=r"backward must return a vector .* 3 units, got shape \(2,\)"):
        wrong.backward_batch(three, three, three)
