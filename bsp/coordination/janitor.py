"""The janitor: a small process that removes a job's znodes when the job's launcher is killed.

The launcher's side. Between the two is a pipe that only the launcher writes to: first what to do, then nothing until
it has removed the znodes itself and says so. The pipe's end without that word means that the launcher was killed.
"""

import contextlib
import json
import logging
import subprocess
import sys
from pathlib import Path

from ..errors import BSPError
from . import janitor_process
from .settings import ZooKeeper

logger = logging.getLogger("horn.bsp")

_LEAVE_SECONDS = 5.0


class Janitor:
    """A running janitor.

    Args:
        settings: the service.
        root: the job's node.
        owner: the launcher's session, which ZooKeeper believes in for a while when the launcher is dead.

    Raises:
        BSPError: it cannot be started.
    """

    def __init__(self, settings: ZooKeeper, root: str, owner: int) -> None:
        # The folder that holds horn/ is on no search path where an editable install finds it by a hook of its own.
        path = [*sys.path, str(Path(__file__).parents[3])]
        told = {"settings": settings.plain(), "root": root, "owner": owner, "path": path}
        try:
            # Isolated and without site-packages it takes 15 ms to start. In a session of its own a terminal's signals
            # do not reach it.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", janitor_process.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise BSPError(f"the process that cleans up after a killed job cannot be started: {error}") from error
        self._tell(json.dumps(told).encode() + b"\n")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def dismiss(self) -> None:
        """Say that nothing is left to do, and wait for its end."""
        self._tell(janitor_process.DONE)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("the janitor (pid %d) did not leave within %.0f s: killed", self.pid, _LEAVE_SECONDS)
            self._process.kill()
            self._process.wait()

    def _tell(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            logger.warning(
                "the janitor (pid %d) is gone: a killed job would leave its znodes to the next one", self.pid
            )
