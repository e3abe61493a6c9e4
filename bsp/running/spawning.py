"""Workers as fresh interpreters, by multiprocess's spawn: where forks are not safe.

The user's script is never run again in a worker, so that scripts need no `__main__` guard.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import multiprocess
from multiprocess import resource_tracker
from multiprocess.context import get_spawning_popen

from .launcher import Launcher, WorkerHandle, WorkerSpec
from .starting import blas_environment, start_all, work


class SpawnedWorker(WorkerHandle):
    """A worker that is this process's child."""

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


class SpawnLauncher(Launcher):
    """Starts workers on this host as fresh interpreters, each of which imports for itself all that it needs.

    They die with the thread that called `start`: it must live as long as the job.
    """

    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        """Start the workers; see `Launcher.start`."""
        # It unblocks SIGINT when it starts, and so must run before that is held back.
        resource_tracker.ensure_running()

        def start(process: int) -> WorkerHandle:
            with _main_hidden(), _environment(blas_environment(spec.blas_threads)):
                return _start_one(spec, process)

        return start_all(start, count)


class _Descriptors:
    """Descriptors that a worker inherits under their own numbers; arrives there as a tuple of them."""

    def __init__(self, *descriptors: int) -> None:
        self._descriptors = descriptors

    def __reduce__(self) -> tuple[type[tuple[int, ...]], tuple[tuple[int, ...]]]:
        child = get_spawning_popen()
        return tuple, (tuple(child.duplicate_for_child(fd) for fd in self._descriptors),)


def _start_one(spec: WorkerSpec, process: int) -> SpawnedWorker:
    ours, theirs = os.pipe()
    descriptors = _Descriptors(spec.spec, theirs, *spec.descriptors)
    arguments = descriptors, process, os.getpid()
    child = multiprocess.get_context("spawn").Process(target=_work, args=arguments, name=f"horn-{process}")
    try:
        child.start()
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return SpawnedWorker(child, ours)


def _work(descriptors: Sequence[int], process: int, parent: int) -> None:
    spec_file, pipe, *_ = descriptors
    work(spec_file, process, pipe, parent)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set the environment that children inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
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
