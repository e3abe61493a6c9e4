"""The hyperbolic tangent."""

from __future__ import annotations

import math

from .base import Activation


class Tanh(Activation):
    """``f(x) = tanh(x)``, ``f' = 1 - y²``; between -1 and 1."""

    def apply(self, x: float) -> float:
        return math.tanh(x)

    def derivative(self, y: float) -> float:
        """The slope ``1 - y²``."""
        return 1.0 - y * y
