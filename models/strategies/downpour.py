"""Downpour SGD: workers push and pull each at its own pace.

Dean et al., "Large Scale Distributed Deep Networks", 2012.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import require_count
from .base import Context, Properties, SyncStrategy


class Downpour(SyncStrategy):
    """Asynchronous training with parameter servers (algorithm 1 of the paper's appendix).

    Between pulls each worker goes on with the parameters that it has, to which it adds its own updates. What it pushes
    are the updates since its last push, added up; the servers apply each push as it comes, with momentum, or with the
    optimizer of the network: `AdaGrad` in the paper. Nobody waits for anybody, and nobody's part of the work is fixed:
    a fast worker does more.

    Not deterministic.

    Args:
        push_every: steps between two pushes.
        pull_every: steps between two pulls.

    Cost per step and worker: n·g/push_every + n·g/pull_every for n bytes of parameters; a pull waits for a round trip.
    """

    properties = Properties(synchronous=False, elastic=True, servers=True, shared_budget=True)

    def __init__(self, push_every: int = 1, pull_every: int = 1) -> None:
        self.push_every = require_count("push_every", push_every)
        self.pull_every = require_count("pull_every", pull_every)

    def setup(self, ctx: Context) -> None:
        """No step is made yet."""
        self._steps = 0
        self._accrued = np.zeros_like(ctx.params)

    def before_step(self, ctx: Context) -> None:
        """Pull, when it is time."""
        if self._steps % self.pull_every == 0:
            ctx.servers.pull(ctx.params)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """Push, when it is time; the worker's own parameters move on at once."""
        self._accrued += update
        self._steps += 1
        if self._steps % self.push_every == 0:
            ctx.servers.push(self._accrued)
            self._accrued.fill(0.0)
        return update

    def finish(self, ctx: Context) -> None:
        """Push what is left."""
        if self._steps % self.push_every:
            ctx.servers.push(self._accrued)

    def state(self) -> dict[str, NDArray[Any]]:
        """Steps made, and what is not pushed yet."""
        return {"steps": np.array([self._steps]), "accrued": self._accrued}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Likewise."""
        self._steps = int(state["steps"][0])
        self._accrued[:] = state["accrued"]
