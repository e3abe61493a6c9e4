"""Softmax: a normalization of the whole layer, hence an interlayer function behind identity neurons."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..costs.base import Cost
from ..costs.categorical_cross_entropy import CategoricalCrossEntropy
from ..interlayer import Interlayer, Vector
from .identity import Identity


@cache
def _compiled() -> Any:
    # Imported when it is first needed: numba, on which it rests, takes a quarter of a second.
    return importlib.import_module(".softmax_kernel", __package__).softmax


class SoftmaxNormalization(Interlayer):
    """``g(x)_i = exp(x_i) / Σ_j exp(x_j)``; ``Jᵀ·d = g ∘ (d - g·d)``."""

    normalized = True

    def apply(self, output: NDArray[np.floating]) -> NDArray[np.floating]:
        # exp of numbers that are never positive: it cannot overflow. Infinite outputs make NaN, which the loss tells.
        with np.errstate(invalid="ignore"):
            powers: NDArray[np.floating] = np.exp(output - output.max(axis=-1, keepdims=True))
            powers /= powers.sum(axis=-1, keepdims=True)
        return powers

    def backward(self, output: Vector, normalized: Vector, gradient: Vector) -> Vector:
        return np.asarray(normalized * (gradient - normalized @ gradient), output.dtype)

    def apply_batch(self, outputs: Vector) -> Vector:
        normalized = np.empty_like(outputs)
        _compiled()(outputs, normalized)
        return normalized

    def backward_batch(self, outputs: Vector, normalized: Vector, gradients: Vector) -> Vector:
        common = np.einsum("eu,eu->e", normalized, gradients)
        return np.asarray(normalized * (gradients - common[:, None]), outputs.dtype)

    def fused_gradient(self, cost: Cost) -> bool:
        # Not for a subclass: it may have another derivative.
        return type(cost) is CategoricalCrossEntropy


class Softmax(Identity):
    """Identity neurons, normalized together: ``exp(x_i) / Σ_j exp(x_j)``, a distribution over the layer's units."""

    interlayer = SoftmaxNormalization()
