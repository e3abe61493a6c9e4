"""Hybrid: synchronous inside a group, asynchronous between groups, over parameter servers.

The Horn paper, section 2.4 and figure 1: tasks of a group work in the BSP paradigm, each group asynchronously of the
others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Context, Properties, SyncStrategy


class Hybrid(SyncStrategy):
    """Each step the replicas of a group sum D; the first pushes the sum to the servers, and pulls for all of them.

    The servers make a step of every push as it comes: `AllReduce` with one group, `Downpour` with groups of one
    replica. No group waits for another, and a fast one does more.

    ``topology=Topology(groups=2, replicas=4, servers=1)`` has two groups of four replicas; with ``workers=`` each is a
    group of its own. Not deterministic, unless there is one group.

    Cost per step: in a group 3n·g + 3·l for n bytes of parameters; of the first replica with the servers 2n·g, and a
    round trip.
    """

    properties = Properties(synchronous=False, elastic=True, servers=True, shared_budget=True)

    def setup(self, ctx: Context) -> None:
        """A group is one model."""
        self._pull(ctx)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> None:
        """One push of the group, and the parameters that the servers have made by then."""
        total = ctx.replicas.allreduce(update)
        examples = ctx.replicas.allreduce(ctx.weight)
        if ctx.replicas.index == 0:
            ctx.servers.push(total, share=examples / ctx.total)
        self._pull(ctx)

    def _pull(self, ctx: Context) -> None:
        if ctx.replicas.index == 0:
            ctx.servers.pull(ctx.params)
        ctx.params[:] = ctx.replicas.broadcast(ctx.params)
