"""Sandblaster L-BFGS: a quasi-Newton method whose evaluations and vectors are spread over the replicas.

J. Dean et al., "Large Scale Distributed Deep Networks", 2012, section 4.2 and algorithm 2 of the appendix. That y is
the change of one batch's gradient: N. Schraudolph et al., "A Stochastic Quasi-Newton Method for Online Convex
Optimization", 2007. The line search: J. Nocedal, S. Wright, "Numerical Optimization", algorithm 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import require_count
from ..optimizers.two_loop import Pair, direction, remember
from ..parts import bounds
from .base import Context, SyncStrategy
from .replicas import Replicas


class Point(NamedTuple):
    """Parameters, the batch's cost there, and its gradient: all whole."""

    params: NDArray[np.float32]
    loss: float
    gradient: NDArray[np.float32]


class SandblasterLBFGS(SyncStrategy):
    """Each step goes from θ to θ + a·p on the batch's cost f, p = −H·∇f by L-BFGS.

        p from the last `history` pairs s = change of θ, y = change of ∇f on one batch (the two-loop recursion)
        a the first of 1, 1/2, 1/4, … with f(θ + a·p) ≤ f(θ) + 10⁻⁴·a·∇f·p

    f and ∇f are sums over the replicas, each of which computes its part of the batch. Each replica keeps its shard of
    the pairs and computes its shard of p; the recursion's scalar products are sums of one number per replica. Momentum
    is not used, and the learning rate only as the first a where there is no pair yet. For large batches: y tells of one
    batch.

    Args:
        history: how many pairs to keep, the paper's m.
        trials: how many a to try; then the step is left out and the pairs are forgotten.

    Cost per step: two evaluations and more (``metrics["evaluations"]``), a forward and a backward pass and a sum of n
    bytes each; n·g for p; 2·history + 4 sums of a number.
    """

    def __init__(self, history: int = 10, trials: int = 10) -> None:
        self.history = require_count("history", history)
        self.trials = require_count("trials", trials)

    def setup(self, ctx: Context) -> None:
        """No step is made yet."""
        begin, end = bounds(len(ctx.params), ctx.replicas.num_peers)[ctx.replicas.index : ctx.replicas.index + 2]
        self._shard = slice(begin, end)
        self._pairs: tuple[Pair, ...] = ()

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> None:
        """Make the step here; nothing is left to apply."""
        start = _evaluate(ctx, ctx.params.copy())
        ctx.metrics["evaluations"] = 1
        path = self._direction(ctx.replicas, start)
        found = self._search(ctx, start, path)
        if found is None:
            self._pairs = ()
            ctx.previous.fill(0.0)
            return
        s, y = found.params - start.params, found.gradient - start.gradient
        self._pairs = remember(self._pairs, s[self._shard], y[self._shard], self.history, _Dot(ctx.replicas))
        ctx.params[:], ctx.previous[:] = found.params, s

    def _direction(self, replicas: Replicas, start: Point) -> NDArray[np.float32]:
        shard = direction(start.gradient[self._shard], self._pairs, _Dot(replicas))
        return np.concatenate(replicas.allgather(shard))

    def _search(self, ctx: Context, start: Point, path: NDArray[np.float32]) -> Point | None:
        """The first point along `path` that is low enough: the same in all replicas, as all compare the same sums."""
        slope = float(np.einsum("i,i->", start.gradient, path, dtype=np.float64))
        length = 1.0 if self._pairs else ctx.lr or 1.0
        for _ in range(self.trials):
            point = _evaluate(ctx, start.params + np.float32(length) * path)
            ctx.metrics["evaluations"] += 1
            if point.loss <= start.loss + 1e-4 * length * slope:
                return point
            length /= 2
        return None

    def state(self) -> dict[str, NDArray[Any]]:
        """The pairs, oldest first."""
        return {f"{name}{number}": getattr(pair, name) for number, pair in enumerate(self._pairs) for name in "sy"}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Likewise."""
        self._pairs = tuple(Pair(state[f"s{number}"], state[f"y{number}"]) for number in range(len(state) // 2))


class _Dot:
    """Scalar products of vectors that lie in shards."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas

    def __call__(self, one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
        return float(self._replicas.allreduce(np.einsum("i,i->", one, other, dtype=np.float64)))


def _evaluate(ctx: Context, params: NDArray[np.float32]) -> Point:
    """Cost and gradient of the whole batch."""
    gradient = ctx.replicas.allreduce(ctx.gradient(params))
    return Point(params, float(ctx.replicas.allreduce(np.float64(ctx.loss(params)))), gradient)
