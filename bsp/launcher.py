"""Starting worker processes.

A `Launcher` starts the workers of a job and returns a handle for each. `LocalLauncher` starts fresh interpreters on
this host (never forks: a forked child inherits locks and thread pools in the middle of their work). A worker runs a
line of ours instead of the user's script, so that scripts need no `__main__` guard.
"""

import contextlib
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .errors import BSPError

_BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

# -P keeps the working directory off the path until the caller's own path is set.
_BOOTSTRAP = (
    "import json, os, sys; fd = int(sys.argv[1]); "
    "spec = json.loads(os.pread(fd, os.fstat(fd).st_size, 0).rstrip(bytes(1))); os.close(fd); "
    "sys.path[:] = spec['path']; from horn.bsp.worker import main; main(spec, *map(int, sys.argv[2:]))"
)


@dataclass(frozen=True)
class WorkerSpec:
    """What a launcher needs to start the workers of a job.

    Attributes:
        spec: descriptor of the JSON text that describes the job.
        descriptors: further descriptors that the workers inherit.
        blas_threads: threads of each worker's BLAS.
    """

    spec: int
    descriptors: Sequence[int]
    blas_threads: int


class WorkerHandle(ABC):
    """A started worker process."""

    pid: int

    @abstractmethod
    def fileno(self) -> int:
        """Return the read end, non-blocking, of the pipe on which the worker reports."""

    @abstractmethod
    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""

    @abstractmethod
    def kill(self) -> None:
        """End the process at once and reap it."""

    @abstractmethod
    def close(self) -> None:
        """Close the pipe."""


class Launcher(ABC):
    """Starts worker processes."""

    @abstractmethod
    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        """Start `count` workers concurrently; worker i is process i of the job.

        Raises:
            BSPError: they cannot be started; none is left running then.
        """


class LocalWorker(WorkerHandle):
    """A worker on this host."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipe: int) -> None:
        self.pid = process.pid
        self._process = process
        self._pipe = pipe
        os.set_blocking(pipe, False)

    def fileno(self) -> int:
        """Return the read end of the pipe."""
        return self._pipe

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """Kill and reap."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)


class LocalLauncher(Launcher):
    """Starts workers on this host as fresh interpreters.

    They die with the thread that called `start`: it must live as long as the job.
    """

    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        """Start the workers; see `Launcher.start`."""
        if not sys.executable:
            raise BSPError("sys.executable is empty: an embedded interpreter cannot start worker processes")
        workers: list[WorkerHandle] = []
        try:
            with _interrupts_blocked():
                for rank in range(count):
                    workers.append(self._start_one(spec, rank))
        except BaseException as error:
            for worker in workers:
                worker.kill()
                worker.close()
            if isinstance(error, OSError):
                raise BSPError(f"worker process {len(workers)} of {count} could not be started: {error}") from error
            raise
        return workers

    def _start_one(self, spec: WorkerSpec, rank: int) -> LocalWorker:
        ours, theirs = os.pipe()
        command = [sys.executable, "-P", "-c", _BOOTSTRAP, str(spec.spec), str(rank), str(theirs)]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=(spec.spec, *spec.descriptors, theirs),
                env=_environment(spec.blas_threads),
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return LocalWorker(process, ours)


def _environment(blas_threads: int) -> Mapping[str, str]:
    return {**os.environ, **dict.fromkeys(_BLAS_VARIABLES, str(blas_threads))}


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold back SIGINT: the children inherit that and are deaf to Ctrl-C from their first instruction on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
