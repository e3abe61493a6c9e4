"""The rectifier (Glorot, Bordes, Bengio, "Deep sparse rectifier neural networks", AISTATS 2011)."""

from __future__ import annotations

from .base import Activation


class ReLU(Activation):
    """``f(x) = max(x, 0)``, ``f' = 1`` where ``y > 0``, else 0."""

    def apply(self, x: float) -> float:
        return max(0.0, x)

    def derivative(self, y: float) -> float:
        """The slope: 1 where ``y > 0``, else 0."""
        return 1.0 if y > 0.0 else 0.0
