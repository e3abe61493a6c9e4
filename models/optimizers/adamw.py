"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import require_rate
from .base import Stretch
from .moments import Moments


@dataclass(frozen=True)
class AdamW(Moments):
    """Δ = η·m̂ / (√ŝ + ε) - η·λ·w, see `Moments` (I. Loshchilov, F. Hutter, "Decoupled weight decay", 2019).

    Biases are exempt from the decay. A learning rate of 0.001 is usual.

    Args:
        beta1, beta2, epsilon: as for `Adam`.
        weight_decay: λ, at least 0.
        clip_norm, clip_value: as for every `Optimizer`.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require_rate("weight_decay", self.weight_decay)

    def decay(self, stretch: Stretch) -> float:
        """η·λ for weights, 0 for biases."""
        return 0.0 if stretch.bias else stretch.rate * self.weight_decay
