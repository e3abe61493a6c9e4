"""The attempts of a job: when a worker process is lost, the job starts over.

An attempt that is over has no process left before the next one begins, and shares with it only the job's arrays, which
then hold again what they held in the beginning. Where processes of an old attempt may live on unseen, on other hosts,
what they still do is refused: by the paths of their znodes, and by the handshake of their connections.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import BSPError, PeerLost
from ..memory.arrays import SharedArrays
from .attempt import Attempt
from .launcher import Launcher
from .settings import JobSettings

if TYPE_CHECKING:
    from ..coordination.record import JobRecord

logger = logging.getLogger("horn.bsp")


class Attempts:
    """All attempts of one run of a job.

    Args:
        settings: how the job runs.
        arrays: what the job shares.
        payload: the program.
        launcher: starts the workers.
        on_progress: called with what peer 0 reports.

    Attributes:
        values: what each peer's program returned in the last attempt.
        counters: the peers' counters of the last attempt, added up.
        failures: what ended the attempts before the last one.
    """

    def __init__(
        self,
        settings: JobSettings,
        arrays: SharedArrays,
        payload: bytes,
        launcher: Launcher,
        on_progress: Callable[[Any], None] | None,
    ) -> None:
        self.values: list[Any] = []
        self.counters: Counter[str] = Counter()
        self.failures: list[PeerLost] = []
        self._settings = settings
        self._arrays = arrays
        self._payload = payload
        self._launcher = launcher
        self._on_progress = on_progress
        self._present: Attempt | None = None
        self._stop = False

    def request_stop(self) -> None:
        """Ask the program to end, in this attempt and the following. From any thread."""
        self._stop = True
        present = self._present  # read once: the attempt may end meanwhile
        if present is not None:
            present.request_stop()

    def run(self, record: "JobRecord | None") -> BSPError | None:
        """Run attempts until one ends other than by a loss; return what ended the last one, if it did not by itself.

        Args:
            record: the job's hold on the coordination service, if there is one.
        """
        restarts = self._settings.max_restarts
        beginning = self._arrays.copies() if restarts else {}
        check, number = _no_service if record is None else record.check, 1
        while isinstance(failure := self._run_one(number, check), PeerLost) and number <= restarts:
            logger.warning(
                "job %s: attempt %d of at most %d has ended: %s", self._settings.name, number, restarts + 1, failure
            )
            self.failures.append(failure)
            self._arrays.restore(beginning)
            number += 1
            if record is not None:
                record.begin(number, self._settings.placement)
        if failure is not None and self.failures:
            failure.add_note(f"This was attempt {number}; the job's `failures` tell what ended those before.")
        return failure

    def _run_one(self, number: int, check: Callable[[], None]) -> BSPError | None:
        with contextlib.closing(Attempt(self._settings, number, self._arrays, self._payload)) as attempt:
            self._present = attempt
            if self._stop:
                attempt.request_stop()
            try:
                return attempt.run(self._launcher, self._on_progress, check)
            finally:
                self._present = None
                self.values, self.counters = attempt.values, attempt.counters


def _no_service() -> None:
    """Nothing to be lost: the coordination is embedded."""
