"""Stale synchronous parallel: workers run ahead of the slowest one, but not too far.

Q. Ho et al., "More Effective Distributed ML via a Stale Synchronous Parallel Parameter Server", 2013.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checks import require_count
from .base import Context, Properties, SyncStrategy


class StaleSynchronous(SyncStrategy):
    """A worker begins step c when every worker has pushed those up to c − bound, and its parameters hold these pushes.

    They hold all of its own pushes, and whatever else has come. 0 is a barrier at every step; a large bound never
    waits. Each worker has its own share of every batch. ``metrics["ahead"]`` has how many steps worker 0 is ahead of
    the slowest.

    Not deterministic.

    Args:
        bound: how many steps a worker may be ahead of the slowest one, the paper's s.

    Cost per step and worker: 2n·g for n bytes of parameters, n·g where servers read D in place, and a round trip; a
    wait only at the bound.
    """

    properties = Properties(synchronous=False, servers=True, borrows=True)

    def __init__(self, bound: int = 4) -> None:
        self.bound = require_count("bound", bound, least=0)

    def before_step(self, ctx: Context) -> None:
        """Wait for those who are too far behind, and take the parameters."""
        servers = ctx.servers
        servers.pull(ctx.params, clock=servers.pushes - self.bound)
        ctx.metrics["ahead"] = servers.pushes - servers.slowest

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> None:
        """The servers make the step."""
        ctx.servers.push(update)
