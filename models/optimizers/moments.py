"""What Adam and AdamW share: two moments of the direction."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from ..checks import require_fraction, require_positive
from .base import Optimizer, Stretch


@dataclass(frozen=True)
class Moments(Optimizer):
    """Steps along the mean of the direction, in units of its root mean square.

    With t the number of the step: m = β₁·m + (1 - β₁)·d; s = β₂·s + (1 - β₂)·d²;
    Δ = η·m̂ / (√ŝ + ε) - decay·w, where m̂ = m / (1 - β₁ᵗ), ŝ = s / (1 - β₂ᵗ).
    """

    slots = ("first_moment", "second_moment")

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fraction("beta1", self.beta1)
        require_fraction("beta2", self.beta2)
        require_positive("epsilon", self.epsilon)

    @abstractmethod
    def decay(self, stretch: Stretch) -> float:
        """The share of each parameter that a step takes away, beside what the direction says."""

    def step(self, stretch: Stretch) -> None:
        from .kernels import adam

        first, second = stretch.slots
        arrays = stretch.direction, stretch.previous, stretch.parameters, first, second
        adam(*arrays, stretch.rate, self.beta1, self.beta2, self.epsilon, stretch.number, self.decay(stretch))
