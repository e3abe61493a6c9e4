"""Adam."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Stretch
from .moments import Moments


@dataclass(frozen=True)
class Adam(Moments):
    """Δ = η·m̂ / (√ŝ + ε), see `Moments` (D. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2015).

    A learning rate of 0.001 is usual. The network's regularization is part of d, and scaled with it.

    Args:
        beta1: β₁, in [0, 1): how long the mean of d remembers.
        beta2: β₂, in [0, 1): how long the mean of d² remembers.
        epsilon: ε, above 0.
        clip_norm, clip_value: as for every `Optimizer`.
    """

    def decay(self, stretch: Stretch) -> float:
        """None."""
        return 0.0
