"""Starting worker processes.

A `Launcher` starts the workers of a job and returns a handle for each. `LocalLauncher` starts fresh interpreters on
this host with multiprocess's spawn (never forks: a forked child inherits locks and thread pools in the middle of their
work). The user's script is never run again in a worker, so that scripts need no `__main__` guard.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import multiprocess
from multiprocess import resource_tracker
from multiprocess.context import get_spawning_popen

from ..errors import BSPError

# Children see the environment and `__main__` as they are at that moment: jobs of several threads start in turn.
_STARTING = threading.Lock()
_BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


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
        """Close the pipe. Called when the process has ended."""


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

    def __init__(self, process: Any, pipe: int) -> None:
        self.pid = int(process.pid)
        self._process = process
        self._pipe = pipe
        os.set_blocking(pipe, False)

    def fileno(self) -> int:
        """Return the read end of the pipe."""
        return self._pipe

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        code: int | None = self._process.exitcode
        return code

    def kill(self) -> None:
        """Kill and reap."""
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        """Close the pipe; the process has ended."""
        os.close(self._pipe)
        self._process.close()


class LocalLauncher(Launcher):
    """Starts workers on this host as fresh interpreters.

    They die with the thread that called `start`: it must live as long as the job.
    """

    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        """Start the workers; see `Launcher.start`."""
        if not sys.executable:
            raise BSPError("sys.executable is empty: an embedded interpreter cannot start worker processes")
        workers: list[WorkerHandle] = []
        # It unblocks SIGINT when it starts, and so must run before that is held back.
        resource_tracker.ensure_running()
        try:
            with _STARTING, _interrupts_blocked(), _main_hidden(), _blas_threads(spec.blas_threads):
                for rank in range(count):
                    workers.append(_start_one(spec, rank))
        except BaseException as error:
            for worker in workers:
                worker.kill()
                worker.close()
            if isinstance(error, (OSError, AssertionError)):  # the latter: a daemonic process may have no children
                raise BSPError(f"worker process {len(workers)} of {count} could not be started: {error}") from error
            raise
        return workers


class _Descriptors:
    """Descriptors that a worker inherits under their own numbers; arrives there as a tuple of them."""

    def __init__(self, *descriptors: int) -> None:
        self._descriptors = descriptors

    def __reduce__(self) -> tuple[type[tuple[int, ...]], tuple[tuple[int, ...]]]:
        child = get_spawning_popen()
        return tuple, (tuple(child.duplicate_for_child(fd) for fd in self._descriptors),)


def _start_one(spec: WorkerSpec, rank: int) -> LocalWorker:
    ours, theirs = os.pipe()
    descriptors = _Descriptors(spec.spec, theirs, *spec.descriptors)
    process = multiprocess.get_context("spawn").Process(target=_work, args=(descriptors, rank), name=f"horn-{rank}")
    try:
        process.start()
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return LocalWorker(process, ours)


def _work(descriptors: Sequence[int], rank: int) -> None:
    """The first function of ours that runs in a worker."""
    spec_file, pipe, *_ = descriptors
    spec = json.loads(os.pread(spec_file, os.fstat(spec_file).st_size, 0).rstrip(b"\0"))
    os.close(spec_file)
    sys.path[:] = spec["path"]
    # Imported here: the launcher does without what only workers need.
    from .worker import main

    main(spec, rank, pipe)


@contextlib.contextmanager
def _blas_threads(threads: int) -> Iterator[None]:
    """Set the environment that children inherit; a BLAS reads it once, when it is loaded."""
    before = {name: os.environ.get(name) for name in _BLAS_VARIABLES}
    os.environ.update(dict.fromkeys(_BLAS_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Let `__main__` look like a prompt's while children start: its script would be run again in each of them."""
    main = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.pop("__spec__")
        main.update(hidden)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold back SIGINT: the children inherit that and are deaf to Ctrl-C from their first instruction on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
