"""What a `fit` tells TensorBoard, by event files. Needs tensorboardX, Horn's extra "tensorboard"."""

from __future__ import annotations

import os
from typing import Any

from .history import History, ValidationRecord
from .recorder import Report

#: What is told of each worker, step by step.
_OF_WORKERS = ("loss", "examples_per_second", "computing", "communicating", "waiting", "staleness", "bytes")


def _writer(folder: str | os.PathLike[str], suffix: str) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError("TensorBoard's files need tensorboardX: pip install 'horn[tensorboard]'") from error
    return SummaryWriter(os.fspath(folder), filename_suffix=suffix)


class TensorBoard:
    """Writes event files while a `fit` runs; to be closed.

    Live, about five times a second: loss and accuracy of the batch that was just made, and each look at the validation
    examples. At the end of the `fit`: loss, throughput, times and staleness of each worker in each of its steps, and
    what the strategy measured.

    Steps count over all fits of a network, so that a second `fit` into the same folder goes on where the first ended.

    Args:
        folder: where the files go; TensorBoard shows each folder as a run.
        first_step: number of training steps made before this `fit`.

    Raises:
        ImportError: tensorboardX is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], first_step: int) -> None:
        self._writer = _writer(folder, f".from-{first_step}")  # else named by the second
        self._first = first_step
        self._told = 0
        self._looked: set[int] = set()

    def close(self) -> None:
        """Write what is not written yet."""
        self._writer.close()

    def report(self, report: Report) -> None:
        """Write how far training is."""
        if report.iterations > self._told:  # the report of a look tells again of the batch before it
            self._told = report.iterations
            step = self._first + report.iterations
            self._writer.add_scalar("training/loss", report.loss, step)
            self._writer.add_scalar("training/accuracy", report.accuracy, step)
        if report.validation is not None:
            self._look(report.validation)

    def finish(self, history: History) -> None:
        """Write what is known at the end only."""
        if len(history):
            self.report(Report(len(history), history.loss[-1], history.accuracy[-1]))
        for look in history.validation:
            self._look(look)
        for worker in history.workers:
            who = worker.name.replace(", ", "_").replace(" ", "_")  # a tag may not have either
            for name in _OF_WORKERS:
                for iteration, value in zip(worker.iteration.tolist(), getattr(worker, name).tolist(), strict=True):
                    self._writer.add_scalar(f"{who}/{name}", value, self._first + iteration + 1)
        for name, values in history.metrics.items():
            for iteration, value in values:
                self._writer.add_scalar(f"strategy/{name}", value, self._first + iteration)

    def _look(self, look: ValidationRecord) -> None:
        if look.iteration in self._looked:
            return
        self._looked.add(look.iteration)
        step = self._first + look.iteration
        self._writer.add_scalar("validation/loss", look.loss, step)
        self._writer.add_scalar("validation/accuracy", look.accuracy, step)
