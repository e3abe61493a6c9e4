"""The cross entropy of outputs that are one distribution over the units."""

from __future__ import annotations

import math

from .base import Cost


class CategoricalCrossEntropy(Cost):
    """``-t log o`` for each unit, slope ``-t / o``; outputs below 1e-7 count as 1e-7."""

    def apply(self, output: float, target: float) -> float:
        return -target * math.log(max(output, 1e-7))

    def derivative(self, output: float, target: float) -> float:
        return -target / max(output, 1e-7)
