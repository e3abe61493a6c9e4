"""The Gaussian error linear unit (Hendrycks, Gimpel, arXiv:1606.08415), exact."""

from __future__ import annotations

import math

from .base import Activation


class GELU(Activation):
    """``f(x) = x Φ(x)``, ``f' = Φ(x) + x φ(x)``: Φ and φ are the standard normal distribution and density.

    ``Φ(x) = (1 + erf(x/√2)) / 2``. f is not monotonic, so that its slope is no function of the output alone.
    """

    def apply(self, x: float) -> float:
        return 0.5 * x * (1.0 + math.erf(x * 0.7071067811865476))

    def derivative(self, y: float, x: float) -> float:
        """The slope ``Φ(x) + x φ(x)``."""
        return 0.5 * (1.0 + math.erf(x * 0.7071067811865476)) + x * 0.3989422804014327 * math.exp(-0.5 * x * x)
