"""Where the time of a peer that trains goes, step by step."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Sequence

import numpy as np

from horn.neurons import Score

from ..servers import Servers
from ..watching.history import WorkerHistory
from .hooks import Hooks


class Watch:
    """Takes the times of one peer.

    A step's time falls apart into three: waiting for others, wherever that is; communicating, what the strategy's hooks
    take beyond that; computing, all the rest, from the gathering of the batch to the change of the weights.

    Args:
        workers: whose parts the peer computes.
        task: which of their tasks it is.
        hooks: calls the strategy.
        waited: seconds that the peer has waited for others so far.
        servers: those who hold its parameters, if the job has any.
    """

    def __init__(
        self, workers: Sequence[int], task: int, hooks: Hooks, waited: Callable[[], float], servers: Servers | None
    ) -> None:
        self._workers, self._task = tuple(workers), task
        self._hooks, self._waited, self._servers = hooks, waited, servers
        self._steps = {name: array("q") for name in ("iteration", "examples", "staleness", "bytes")}
        self._times = {name: array("d") for name in ("loss", "computing", "communicating", "waiting")}
        self.begin()

    def begin(self) -> None:
        """A step begins."""
        self._start, self._waited_before = time.perf_counter(), self._waited()
        self._exchanged_before, self._sent_before = self._hooks.exchanged, self._sent()

    def end(self, iteration: int, score: Score) -> None:
        """The step has ended.

        Args:
            iteration: its number in this `fit`.
            score: of the peer's part of the batch.
        """
        passed = time.perf_counter() - self._start
        waiting = self._waited() - self._waited_before
        communicating = self._hooks.exchanged - self._exchanged_before
        self._steps["iteration"].append(iteration)
        self._steps["examples"].append(score.examples)
        self._steps["staleness"].append(0 if self._servers is None else self._servers.staleness)
        self._steps["bytes"].append(self._sent() - self._sent_before)
        self._times["loss"].append(score.loss / score.examples if score.examples else math.nan)
        self._times["computing"].append(max(passed - waiting - communicating, 0.0))
        self._times["communicating"].append(communicating)
        self._times["waiting"].append(waiting)

    def _sent(self) -> int:
        return 0 if self._servers is None else self._servers.bytes

    def history(self) -> WorkerHistory:
        """All that was seen."""
        columns = {name: np.array(values) for name, values in (self._steps | self._times).items()}
        return WorkerHistory(self._workers, self._task, **columns)
