"""Local SGD with an outer optimizer: replicas train by themselves, and what they have found together is a gradient.

A. Douillard et al., "DiLoCo: Distributed Low-Communication Training of Language Models", 2023, algorithm 1. With
``outer_rate=1`` and ``outer_momentum=0`` it is local SGD: S. Stich, "Local SGD Converges Fast and Communicates Little",
2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import require_count, require_momentum, require_rate
from .base import Context, Properties, SyncStrategy


class LocalSGD(SyncStrategy):
    """Every H steps an outer step with Nesterov momentum, from where all began, on the mean of what was found.

        Δ = mean over i of (θ − θᵢ),   v ← μ·v + Δ,   θ ← θ − η·(Δ + μ·v)

    In between each replica makes H steps of its own part of every batch, as if it were alone, with momentum and decay
    of its own (the inner optimizer), which go on over the outer steps.

    Args:
        every: H.
        outer_rate: η.
        outer_momentum: μ.

    Cost: 2n·g + 2·l per outer step for n bytes of parameters; nothing per inner step.
    """

    properties = Properties(local_steps=True)

    def __init__(self, every: int = 20, outer_rate: float = 0.7, outer_momentum: float = 0.9) -> None:
        self.every = require_count("every", every)
        self.outer_rate = require_rate("outer_rate", outer_rate)
        self.outer_momentum = require_momentum(outer_momentum)

    def setup(self, ctx: Context) -> None:
        """All begin at the same place."""
        self._begin = ctx.params.copy()
        self._velocity = np.zeros_like(ctx.params)
        self._steps = 0

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """The step of the replica alone."""
        return ctx.own_mean(update)

    def after_step(self, ctx: Context) -> None:
        """The outer step, when it is time."""
        self._steps += 1
        if self._steps == self.every:
            self._outer_step(ctx)

    def finish(self, ctx: Context) -> None:
        """An outer step on what was found since the last one."""
        if self._steps:
            self._outer_step(ctx)

    def _outer_step(self, ctx: Context) -> None:
        found = ctx.replicas.allreduce(self._begin - ctx.params, op="mean")
        self._velocity *= self.outer_momentum
        self._velocity += found
        self._begin -= self.outer_rate * (found + self.outer_momentum * self._velocity)
        ctx.params[:] = self._begin
        self._steps = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """Where the replicas began, the velocity, and the steps since."""
        return {"begin": self._begin, "velocity": self._velocity, "steps": np.array([self._steps])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Likewise."""
        self._begin[:], self._velocity[:] = state["begin"], state["velocity"]
        self._steps = int(state["steps"][0])
