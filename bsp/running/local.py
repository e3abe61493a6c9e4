"""The way of starting workers on this host that is the best one here."""

import sys
from collections.abc import Sequence

from .forking import ForkLauncher
from .launcher import Launcher, WorkerHandle, WorkerSpec
from .spawning import SpawnLauncher


class LocalLauncher(Launcher):
    """Starts workers on this host: on Linux as forks of a process made for that, elsewhere as fresh interpreters."""

    def __init__(self) -> None:
        self._launcher = ForkLauncher() if sys.platform == "linux" else SpawnLauncher()

    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        """Start the workers; see `Launcher.start`."""
        return self._launcher.start(spec, count)
