"""Bounds on the descent direction, before an optimizer makes a step of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .base import Array


def clip_values(parts: Sequence[Array], bound: float) -> None:
    """Bring every element into [-bound, bound], in place."""
    for part in parts:
        np.clip(part, -bound, bound, out=part)


def clip_norm(parts: Sequence[Array], bound: float, total: Callable[[float], float]) -> None:
    """Scale a direction down, in place, to a Euclidean norm of at most `bound`.

    Args:
        parts: what is here of the direction.
        bound: the most that the norm may be.
        total: sums a number over all who hold other parts of the direction.
    """
    from .kernels import sum_of_squares

    norm = math.sqrt(total(sum(sum_of_squares(part) for part in parts)))
    if norm > bound:
        for part in parts:
            part *= part.dtype.type(bound / norm)
