"""Softmax of many examples, compiled."""

from __future__ import annotations

import math
from typing import Any

from ..jit import kernel


@kernel
def softmax(outputs: Any, normalized: Any) -> None:
    """normalized[e] = exp(outputs[e]) / Σ exp(outputs[e]). Both (examples, units)."""
    for e in range(outputs.shape[0]):
        # exp of numbers that are never positive: it cannot overflow. Infinite outputs make NaN, which the loss tells.
        largest = outputs[e].max()
        total = normalized.dtype.type(0.0)
        for i in range(outputs.shape[1]):
            normalized[e, i] = math.exp(outputs[e, i] - largest)
            total += normalized[e, i]
        for i in range(outputs.shape[1]):
            normalized[e, i] /= total
