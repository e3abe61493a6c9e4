"""Identity: the weighted sum itself."""

from __future__ import annotations

from .base import Activation


class Identity(Activation):
    """``f(x) = x``, ``f' = 1``."""

    def apply(self, x: float) -> float:
        return x

    def derivative(self, y: float) -> float:
        """The slope: 1 everywhere."""
        return 1.0
