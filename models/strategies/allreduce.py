"""AllReduce: every step, all replicas make the step of the whole batch (synchronous data parallelism)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Context, Properties, SyncStrategy


class AllReduce(SyncStrategy):
    """Sum D over all replicas: the step of one worker with the whole batch, divided over many.

    D of a part is divided by the job's batch, so that the sum is its mean, whatever the split. Each peer sums and
    applies one shard of the parameters.

    Cost per step and peer: one pass over a shard of every replica's D, and two barriers.
    """

    properties = Properties(synchronous=True, serial_equivalent=True, one_copy=True)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """This peer's shard of the sum."""
        return ctx.replicas.reduce_scatter(update)
