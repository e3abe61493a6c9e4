"""ModelAveraging: replicas train by themselves, and become their average every few passes over the data, or steps.

"Distributed Neural Networks: A Parallel Approach", algorithm 1: mappers train, AllReduce averages the weights. As
parallel SGD by R. McDonald et al., "Distributed Training Strategies for the Structured Perceptron", 2010.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import require_choice, require_count
from .base import Context, Properties, SyncStrategy


class ModelAveraging(SyncStrategy):
    """Every so often θ ← Σᵢ nᵢ·θᵢ / Σᵢ nᵢ, nᵢ the examples that replica i has seen since the last time.

    In between each replica makes the steps of its own part of every batch, as if it were alone. Previous updates, and
    what an optimizer keeps, are averaged with the parameters: a step after the average is that of the average model.

    Args:
        every: how many passes, or steps, between two averages; the last one ends the `fit`.
        unit: "epochs" or "steps".

    Cost: 2n·g + 2·l per average for n bytes of parameters and as much for each array beside them; nothing per step.
    """

    properties = Properties(local_steps=True)

    def __init__(self, every: int = 1, unit: str = "epochs") -> None:
        self.every = require_count("every", every)
        self.unit = require_choice("unit", unit, ("epochs", "steps"))

    def setup(self, ctx: Context) -> None:
        """No example is seen yet."""
        self._seen = 0

    def before_step(self, ctx: Context) -> None:
        """Count the examples."""
        self._seen += ctx.weight

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """The step of the replica alone."""
        return ctx.own_mean(update)

    def after_step(self, ctx: Context) -> None:
        """Average, when it is time."""
        if self.unit == "steps" and (ctx.step + 1) % self.every == 0:
            self._average(ctx)

    def on_epoch(self, ctx: Context) -> None:
        """Average, when it is time."""
        if self.unit == "epochs" and (ctx.epoch + 1) % self.every == 0:
            self._average(ctx)

    def finish(self, ctx: Context) -> None:
        """Average what was trained since the last time."""
        self._average(ctx)

    def _average(self, ctx: Context) -> None:
        total = ctx.replicas.allreduce(np.float64(self._seen))
        if total:
            share = np.float32(self._seen / total)
            for array in (ctx.params, *ctx.carried):
                array[:] = ctx.replicas.allreduce(share * array)
            self._seen = 0

    def state(self) -> dict[str, NDArray[np.int64]]:
        """The examples seen."""
        return {"seen": np.array([self._seen])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """The examples seen."""
        self._seen = int(state["seen"][0])
