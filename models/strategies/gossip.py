"""Gossip SGD: after a step, replicas average in pairs, partners drawn anew each time.

P. H. Jin et al., "How to scale distributed deep learning?", 2016 (gossiping SGD); S. Boyd et al., "Randomized gossip
algorithms", 2006.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checks import require_count
from .base import Context, Properties, SyncStrategy


class Gossip(SyncStrategy):
    """θᵢ, θⱼ ← (θᵢ + θⱼ)/2 for each pair of a random matching; where their number is odd, one replica has no partner.

    In between each replica makes the steps of its own part of every batch, as if it were alone. What one learns reaches
    all of P in about log₂ P exchanges. The network that training ends with is the average of all.

    Args:
        every: steps between two exchanges.
        seed: of the matchings.

    Cost per exchange: n·g + l for n bytes of parameters, whatever the number of replicas.
    """

    properties = Properties(local_steps=True)

    def __init__(self, every: int = 1, seed: int = 0) -> None:
        self.every = require_count("every", every)
        self.seed = require_count("seed", seed, least=0)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """The step of the replica alone."""
        return ctx.own_mean(update)

    def after_step(self, ctx: Context) -> None:
        """Average with a partner, when it is time."""
        if (ctx.step + 1) % self.every == 0:
            theirs = ctx.replicas.swap(self._partner(ctx), ctx.params)
            ctx.params[:] = (ctx.params + theirs) / 2

    def finish(self, ctx: Context) -> None:
        """Average all."""
        ctx.params[:] = ctx.replicas.allreduce(ctx.params, op="mean")

    def _partner(self, ctx: Context) -> int:
        """Neighbours in a permutation that all replicas draw, seeded by the step."""
        order = np.random.default_rng([self.seed, ctx.step]).permutation(ctx.replicas.num_peers)
        place = int(np.flatnonzero(order == ctx.replicas.index)[0])
        return int(order[min(place ^ 1, len(order) - 1)])
