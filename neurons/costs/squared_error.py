"""The squared error."""

from __future__ import annotations

from .base import Cost


class SquaredError(Cost):
    """``½ (o - t)²`` for each unit, slope ``o - t``."""

    def apply(self, output: float, target: float) -> float:
        return 0.5 * (output - target) * (output - target)

    def derivative(self, output: float, target: float) -> float:
        return output - target
