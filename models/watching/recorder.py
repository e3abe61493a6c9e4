"""Replica 0 writes the history of a `fit`, and tells the caller now and then how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

from .history import Evaluation, History, ValidationRecord

#: Seconds between two reports to the caller.
REPORT_EVERY = 0.2


@dataclass(frozen=True)
class Report:
    """How far a `fit` is.

    Attributes:
        iterations: how many are done.
        loss: mean loss of the last one.
        accuracy: accuracy of the last one.
        validation: the look at the validation examples that was just made, if one was.
    """

    iterations: int
    loss: float
    accuracy: float
    validation: ValidationRecord | None = None


class Reporter(Protocol):
    """What telling the caller needs of a peer; see `horn.bsp.Peer`."""

    @property
    def index(self) -> int: ...
    def progress(self, value: Any, /) -> None: ...


class Recorder:
    """Writes a `History` in peer 0 of a job; does nothing in the others.

    Args:
        peer: the peer.
        first_step: number of training steps made before this `fit`.
    """

    def __init__(self, peer: Reporter, first_step: int) -> None:
        self.history = History(first_step=first_step)
        self._peer = peer
        self._writes = peer.index == 0
        self._start = self._reported = time.perf_counter()

    def step(self, result: Evaluation, rate: float) -> None:
        """Write down a step: its loss and accuracy, and its rate."""
        if not self._writes:
            return
        now = time.perf_counter()
        history = self.history
        history.loss.append(result.loss)
        history.accuracy.append(result.accuracy)
        history.learning_rate.append(rate)
        history.time.append(now - self._start)
        if now - self._reported >= REPORT_EVERY:
            self.report()

    def metrics(self, metrics: dict[str, float]) -> None:
        """Write down what the strategy measured in the step, and empty `metrics` for the next one."""
        if self._writes:
            for name, value in metrics.items():
                self.history.metrics.setdefault(name, []).append((len(self.history), float(value)))
        metrics.clear()

    def validation(self, result: Evaluation) -> None:
        """Write down a look at the validation examples."""
        if not self._writes:
            return
        seconds = time.perf_counter() - self._start
        record = ValidationRecord(len(self.history), result.loss, result.accuracy, seconds)
        self.history.validation.append(record)
        self.report(record)

    def report(self, validation: ValidationRecord | None = None) -> None:
        """Tell the caller, without waiting, how far training is."""
        if not self._writes or not self.history.loss:
            return
        self._reported = time.perf_counter()
        history = self.history
        self._peer.progress(Report(len(history), history.loss[-1], history.accuracy[-1], validation))
