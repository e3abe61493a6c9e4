"""ParameterServer: every step, the servers sum the updates of all workers and make the step (synchronous, sharded)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .base import Context, Properties, SyncStrategy

if TYPE_CHECKING:
    from ..servers.store import Store


class ParameterServer(SyncStrategy):
    """Synchronous training with parameter servers, as the Horn paper has it (section 2.4).

    Each worker pushes D to the servers and pulls the parameters that they make of it: θ ← θ + Δ(Σ D), one step for all,
    the same as `AllReduce`'s. Momentum, decay and the optimizer's state live on the servers, a shard on each.

    With sub-models, workers fetch and push those alone.

    Cost per step and worker: 2n·g for n bytes of parameters, n·g where servers read D in place, and a round trip.
    """

    properties = Properties(synchronous=True, serial_equivalent=True, servers=True, borrows=True)

    def before_step(self, ctx: Context) -> None:
        """Wait for the step that the servers make of what all have pushed."""
        ctx.servers.pull(ctx.params, clock=ctx.servers.pushes)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> None:
        """Push D."""
        ctx.servers.push(update)

    def serve(self, store: Store, source: int, update: NDArray[np.float32]) -> None:
        """Add up the updates of all workers, in their order; with the last, make the step."""
        if source == 0:
            self._total: NDArray[np.float32] = np.zeros_like(update)
        self._total += update
        if source == store.sources - 1:
            store.apply(self._total)
