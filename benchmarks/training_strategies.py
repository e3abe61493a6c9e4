"""What asynchronous strategies gain: throughput where one worker is slow, or all of them pause."""

from __future__ import annotations

import time

import numpy as np
from engine_table import Row, Table
from training_parts import BATCH, Amount, train

from horn.models import AllReduce, Context, Downpour, StaleSynchronous, SyncStrategy

SLOW = 4.0
"""A slow worker waits so many times as long as it computes: it takes five times as long."""


class Slow(SyncStrategy):
    """Makes the first worker slow."""

    def before_step(self, ctx: Context) -> None:
        """Wait in proportion to the time since the last step's waiting."""
        now = time.perf_counter()
        if ctx.world.index == 0:
            time.sleep(SLOW * min(now - getattr(self, "_woke", now), 0.05))
        self._woke = time.perf_counter()
        super().before_step(ctx)


class SlowAllReduce(Slow, AllReduce):
    """AllReduce, one worker slow."""


class SlowDownpour(Slow, Downpour):
    """Downpour, one worker slow."""


class Pausing(SyncStrategy):
    """Each worker pauses at random: with probability 0.1 for as long as about ten steps."""

    def before_step(self, ctx: Context) -> None:
        """Pause or not."""
        if ctx.rng.random() < 0.1:
            time.sleep(0.03)
        super().before_step(ctx)


class PausingAllReduce(Pausing, AllReduce):
    """AllReduce with pauses."""


class PausingStale(Pausing, StaleSynchronous):
    """Stale-synchronous with pauses shorter than its bound."""


def throughput(iterations: int, strategy: SyncStrategy) -> float:
    """Examples per second of two workers."""
    history = train(iterations, workers=2, sync=strategy)
    return len(history) * BATCH / history.time[-1]


def asynchronous(table: Table, amount: Amount) -> None:
    """Downpour with one worker slowed five times; stale-synchronous with random pauses. Beside AllReduce's likewise."""
    steps = amount.iterations
    pairs = {
        "Downpour, one worker of two 5 times slower": (SlowDownpour(push_every=5, pull_every=5), SlowAllReduce(), 2.0),
        "stale-synchronous, random pauses": (PausingStale(bound=20), PausingAllReduce(), 1.3),
    }
    for name, (strategy, rival, factor) in pairs.items():
        ours, theirs = [], []
        for _ in range(amount.turns):
            ours.append(throughput(steps, strategy))
            theirs.append(throughput(steps, rival))
        own, other = float(np.median(ours)), float(np.median(theirs))
        table.add(Row(f"{name}: examples/s", own, "", factor * other, at_least=True, rival="AllReduce", other=other))
