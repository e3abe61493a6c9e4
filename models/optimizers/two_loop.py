"""The two-loop recursion of L-BFGS, for vectors that may lie in shards.

Every operation but the scalar product is elementwise: with a product that sums over all shards, each holder of a shard
computes its own part of the direction, and no vector is ever whole in one place.

J. Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; J. Dean et al., "Large scale distributed deep
networks", 2012, section 4.2 (Sandblaster).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.floating]
#: The scalar product of two vectors, over all shards.
Dot: TypeAlias = Callable[[Vector, Vector], float]


class Pair(NamedTuple):
    """One step and what it did.

    Attributes:
        s: change of the parameters.
        y: change of the gradient.
    """

    s: Vector
    y: Vector


def dot(one: Vector, other: Vector) -> float:
    """The scalar product of two vectors that are whole here."""
    return float(one @ other)


def remember(pairs: Sequence[Pair], s: Vector, y: Vector, limit: int, dot: Dot = dot) -> tuple[Pair, ...]:
    """The last `limit` pairs, those given and ``(s, y)``.

    Left out is a pair with s·y ≤ ε·y·y, along which the cost does not curve upwards: with it the direction might lead
    up.

    Args:
        pairs: oldest first.
        s: change of the parameters.
        y: change of the gradient.
        limit: how many to keep, at least 1.
        dot: the scalar product.
    """
    if dot(s, y) <= np.finfo(s.dtype).eps * dot(y, y):
        return tuple(pairs)
    return (*pairs, Pair(s, y))[-limit:]


def direction(gradient: Vector, pairs: Sequence[Pair], dot: Dot = dot) -> Vector:
    """-H·gradient, H the inverse Hessian of the BFGS updates by `pairs`, from (s·y / y·y)·I of the newest.

    Without pairs it is -gradient.

    Args:
        gradient: of the cost, this shard of it; not changed.
        pairs: oldest first, this shard of each, as `remember` keeps them.
        dot: the scalar product.
    """
    found = -gradient
    taken: list[tuple[float, float]] = []
    for s, y in reversed(pairs):
        curvature = 1.0 / dot(s, y)
        along = curvature * dot(s, found)
        found -= along * y
        taken.append((along, curvature))
    if pairs:
        s, y = pairs[-1]
        found *= dot(s, y) / dot(y, y)
    for (s, y), (along, curvature) in zip(pairs, reversed(taken), strict=True):
        found += (along - curvature * dot(y, found)) * s
    return found
