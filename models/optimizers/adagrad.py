"""AdaGrad: a rate for each parameter, which falls with all its gradients so far."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import require_positive
from .base import Optimizer, Stretch


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """s = s + d²; Δ = η·d / (√s + ε) (J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods", 2011).

    Args:
        epsilon: ε, above 0: keeps the first steps of small gradients finite.
        clip_norm, clip_value: as for every `Optimizer`.
    """

    slots = ("squares",)

    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("epsilon", self.epsilon)

    def step(self, stretch: Stretch) -> None:
        from .kernels import adagrad

        (squares,) = stretch.slots
        arrays = stretch.direction, stretch.previous, stretch.parameters, squares
        adagrad(*arrays, stretch.rate, self.epsilon)
