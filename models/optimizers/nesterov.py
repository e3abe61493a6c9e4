"""Nesterov's accelerated gradient."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import require_fraction
from .base import Optimizer, Stretch


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """v = μ·v + η·d; Δ = μ·v + η·d.

    The gradient is taken where momentum will have led: parameters are those of Nesterov's look-ahead point
    (I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013; in these variables
    Y. Bengio et al., "Advances in optimizing recurrent networks", 2013, equation 7).

    Args:
        momentum: μ, in [0, 1).
        clip_norm, clip_value: as for every `Optimizer`.
    """

    slots = ("velocity",)

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fraction("momentum", self.momentum)

    def step(self, stretch: Stretch) -> None:
        from .kernels import nesterov

        (velocity,) = stretch.slots
        arrays = stretch.direction, stretch.previous, stretch.parameters, velocity
        nesterov(*arrays, stretch.rate, self.momentum)
