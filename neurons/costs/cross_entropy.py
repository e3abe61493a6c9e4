"""The cross entropy of units that are independent of each other, each a yes or no."""

from __future__ import annotations

import math

from .base import Cost
from .categorical_cross_entropy import CategoricalCrossEntropy


class CrossEntropy(Cost):
    """``-t log o - (1 - t) log(1 - o)`` for each unit, slope ``(o - t) / (o (1 - o))``.

    Outputs are clipped to [1e-7, 1 - 1e-7]; the slope is taken at the clipped output, so that a unit which is wrong
    and saturated still learns. Over outputs that are one distribution (Softmax) it means `CategoricalCrossEntropy`.
    """

    # 0.99999988079071044921875 is float32(1 - 1e-7): written out, so that 1 - o is the same in any precision.

    def apply(self, output: float, target: float) -> float:
        o = min(max(output, 1e-7), 0.99999988079071044921875)
        return -target * math.log(o) - (1.0 - target) * math.log(1.0 - o)

    def derivative(self, output: float, target: float) -> float:
        o = min(max(output, 1e-7), 0.99999988079071044921875)
        return (o - target) / (o * (1.0 - o))

    def over_normalized_outputs(self) -> Cost:
        return CategoricalCrossEntropy()
