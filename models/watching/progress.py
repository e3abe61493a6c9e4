"""What the caller sees of a long `fit`: a progress bar on a terminal, and lines in the log "horn"."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from tqdm import tqdm

from .recorder import Report
from .tensorboard import TensorBoard

log = logging.getLogger("horn.models")


class Monitor:
    """Shows reports as they come. A context manager.

    Args:
        iterations: how many this `fit` is to make.
        verbose: 0 shows no bar; nor is there one where standard error is no terminal.
        board: is told, too; None for none.
    """

    def __init__(self, iterations: int, verbose: int, board: TensorBoard | None = None) -> None:
        self._board = board
        hidden = verbose == 0 or not sys.stderr.isatty()
        # Reports are rare enough: each is drawn.
        self._bar = tqdm(total=iterations, unit="it", desc="compiling", disable=hidden, mininterval=0, miniters=1)
        self._done = 0

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def training(self) -> None:
        """Show that all is compiled, and count the time from here."""
        self._bar.set_description("training", refresh=False)
        self._bar.reset()

    def __call__(self, report: Report) -> None:
        """Show how far training is."""
        if self._board is not None:
            self._board.report(report)
        # First the figures: update() draws the bar, with those that it has.
        self._bar.set_postfix(loss=f"{report.loss:.4f}", accuracy=f"{report.accuracy:.4f}", refresh=False)
        self._bar.update(report.iterations - self._done)
        self._done = report.iterations
        if report.validation is not None:
            log.info(
                "iteration %d: validation loss %.4f, accuracy %.4f",
                report.iterations,
                report.validation.loss,
                report.validation.accuracy,
            )
