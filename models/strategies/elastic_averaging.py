"""Elastic averaging SGD: workers train by themselves, tied to a center by a spring.

S. Zhang, A. Choromanska, Y. LeCun, "Deep learning with Elastic Averaging SGD", 2015: algorithms 1 (EASGD) and, with the
network's momentum, 2 (EAMSGD), asynchronous.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import require_bound, require_count
from .base import Context, Properties, SyncStrategy

if TYPE_CHECKING:
    from ..servers.store import Store


class ElasticAveraging(SyncStrategy):
    """Every few steps a worker and the center x̃, which the servers hold, move towards each other.

        e = α·(x − x̃),   x ← x − e,   x̃ ← x̃ + e

    In between the worker makes whole steps of its own, momentum included. The network that training ends with is the
    center. Nobody waits for anybody, and a fast worker does more.

    Not deterministic.

    Args:
        every: steps between two exchanges, the paper's τ.
        alpha: the spring; None for the paper's 0.9 divided by the number of workers.

    Cost per exchange and worker: 2n·g for n bytes of parameters, and a round trip.
    """

    properties = Properties(synchronous=False, elastic=True, servers=True, shared_budget=True, local_steps=True)

    def __init__(self, every: int = 10, alpha: float | None = None) -> None:
        self.every = require_count("every", every)
        self.alpha = require_bound("alpha", alpha)

    def setup(self, ctx: Context) -> None:
        """Begin at the center."""
        self._center = np.empty_like(ctx.params)
        self._steps = 0

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """The step of the worker alone."""
        return ctx.own_mean(update)

    def after_step(self, ctx: Context) -> None:
        """Exchange, when it is time."""
        self._steps += 1
        if self._steps % self.every == 0:
            self._exchange(ctx)

    def finish(self, ctx: Context) -> None:
        """Give the center what was trained since the last exchange."""
        if self._steps % self.every:
            self._exchange(ctx)

    def _exchange(self, ctx: Context) -> None:
        ctx.servers.pull(self._center)
        elastic = ctx.params - self._center
        elastic *= self.alpha or 0.9 / _workers(ctx)
        ctx.params -= elastic
        ctx.servers.push(elastic)

    def serve(self, store: Store, source: int, update: NDArray[np.float32]) -> None:
        """Move the center."""
        store.params += update

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Steps made."""
        return {"steps": np.array([self._steps])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Steps made."""
        self._steps = int(state["steps"][0])


def _workers(ctx: Context) -> int:
    """Replicas of all groups; each may be divided over several peers."""
    return ctx.world.num_peers * ctx.replicas.num_peers // ctx.group.num_peers
