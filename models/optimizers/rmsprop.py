"""RMSProp: a rate for each parameter, from its recent gradients."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import require_fraction, require_positive
from .base import Optimizer, Stretch


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """s = ρ·s + (1 - ρ)·d²; Δ = μ·Δ + η·d / (√s + ε).

    T. Tieleman, G. Hinton, "Lecture 6.5: RMSProp", Coursera, 2012.

    Args:
        decay: ρ, in [0, 1).
        momentum: μ, in [0, 1).
        epsilon: ε, above 0.
        clip_norm, clip_value: as for every `Optimizer`.
    """

    slots = ("mean_square",)

    decay: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fraction("decay", self.decay)
        require_fraction("momentum", self.momentum)
        require_positive("epsilon", self.epsilon)

    def step(self, stretch: Stretch) -> None:
        from .kernels import rmsprop

        (mean_square,) = stretch.slots
        arrays = stretch.direction, stretch.previous, stretch.parameters, mean_square
        rmsprop(*arrays, stretch.rate, self.decay, self.momentum, self.epsilon)
