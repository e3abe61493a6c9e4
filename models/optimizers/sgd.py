"""Gradient descent with momentum."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import require_fraction
from .base import Optimizer, Stretch


@dataclass(frozen=True)
class SGD(Optimizer):
    """Δ = μ·Δ + η·d, what Horn's own neurons push when there is no optimizer (B. Polyak, 1964, for μ > 0).

    Args:
        momentum: μ, in [0, 1).
        clip_norm, clip_value: as for every `Optimizer`.
    """

    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fraction("momentum", self.momentum)

    def step(self, stretch: Stretch) -> None:
        from .kernels import sgd

        sgd(stretch.direction, stretch.previous, stretch.parameters, stretch.rate, self.momentum)
