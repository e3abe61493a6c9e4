"""One attempt to run a job to its end: its memory, its workers, and the watch over them.

Each attempt has memory of its own, so that a process of an older one, should it still run, reaches nobody.
"""

import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import BSPError, CoordinatorLost
from ..links.handshake import KEY_SIZE
from ..memory.arrays import SharedArrays
from .interrupts import InterruptCounter
from .launcher import Launcher, WorkerSpec
from .memory import JobMemory
from .settings import JobSettings
from .shipping import loaded_modules
from .supervisor import Supervisor

GRACEFUL_SECONDS = 5.0


class Attempt:
    """An attempt of a job.

    Args:
        settings: how the job runs.
        number: of the attempt, from 1.
        arrays: what the job shares.
        payload: the program.

    Attributes:
        values: what each peer's program returned, after `run`.
        counters: the peers' counters added up, after `run`.
    """

    def __init__(self, settings: JobSettings, number: int, arrays: SharedArrays, payload: bytes) -> None:
        self.number = number
        self._settings = settings
        heaps = settings.placement.processes if settings.sockets is None else 0
        self._memory = JobMemory(settings.placement, arrays.segment, payload, heaps, settings.spill_dir)
        self._layout = arrays.layout
        self.values: list[Any] = []
        self.counters: Counter[str] = Counter()

    def request_stop(self) -> None:
        """Ask the program to end. From any thread."""
        self._memory.control.request_stop()

    def run(
        self, launcher: Launcher, on_progress: Callable[[Any], None] | None, check: Callable[[], None]
    ) -> BSPError | None:
        """Run the workers to their end; return what ended the attempt, if it did not end by itself.

        Args:
            launcher: starts the workers.
            on_progress: called with what peer 0 reports.
            check: raises CoordinatorLost if the coordination service is lost to the launcher.

        Raises:
            KeyboardInterrupt: Ctrl-C; no worker is left.
        """
        told = json.dumps(self._describe()).encode()
        start = WorkerSpec(
            self._memory.add("spec", told),
            self._memory.descriptors,
            self._settings.blas_threads,
            self._settings.preload,
        )
        with InterruptCounter() as interrupts:
            workers = launcher.start(start, self._settings.placement.processes)
            supervisor = Supervisor(workers, self._settings.placement, self._memory.control, on_progress)
            try:
                self._watch(supervisor, interrupts, check)
            finally:
                supervisor.close()
                self.values, self.counters = supervisor.values, supervisor.counters
        if interrupts.count:
            raise KeyboardInterrupt
        return supervisor.outcome()

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()

    def _watch(self, supervisor: Supervisor, interrupts: InterruptCounter, check: Callable[[], None]) -> None:
        patience = GRACEFUL_SECONDS if self._settings.graceful_interrupt else 0.0
        deadline: float | None = None
        while supervisor.watch():
            try:
                check()
            except CoordinatorLost as lost:
                supervisor.fail(lost)
            if interrupts.count and deadline is None:
                deadline = time.monotonic() + patience
                if patience:
                    self.request_stop()
            if deadline is not None and (interrupts.count > 1 or time.monotonic() >= deadline):
                supervisor.abort("interrupted")

    def _describe(self) -> dict[str, Any]:
        """Return the job as the workers are told of it: plain data."""
        return {
            "path": [str(path) if path else str(Path.cwd()) for path in sys.path],
            "argv": sys.argv,
            "environment": dict(os.environ),
            "modules": loaded_modules(),
            "attempt": self.number,
            "key": secrets.token_hex(KEY_SIZE),
            "layout": self._layout,
            "descriptors": self._memory.descriptors,
            **self._settings.told(),
            **self._memory.named,
        }
