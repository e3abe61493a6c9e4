"""The logistic function."""

from __future__ import annotations

import math

from .base import Activation


class Sigmoid(Activation):
    """``f(x) = 1 / (1 + exp(-x))``, ``f' = y (1 - y)``; between 0 and 1."""

    def apply(self, x: float) -> float:
        # exp of a number that is never positive: it cannot overflow.
        e = math.exp(-abs(x))
        return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)

    def derivative(self, y: float) -> float:
        """The slope ``y (1 - y)``."""
        return y * (1.0 - y)
