"""What is the same for every way of starting workers on this host."""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from ..errors import BSPError
from .launcher import WorkerHandle

# Children see environment and signal mask as they are at that moment: jobs of several threads start in turn.
_STARTING = threading.Lock()
_BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def start_all(start: Callable[[int], WorkerHandle], count: int) -> Sequence[WorkerHandle]:
    """Start workers one after the other.

    Args:
        start: starts the worker of a process, by its number.
        count: how many there are.

    Raises:
        BSPError: one cannot be started; none is left running then.
    """
    if not sys.executable:
        raise BSPError("sys.executable is empty: an embedded interpreter cannot start worker processes")
    workers: list[WorkerHandle] = []
    try:
        with _STARTING, _interrupts_blocked():
            for process in range(count):
                workers.append(start(process))
    except BaseException as error:
        for worker in workers:
            worker.kill()
            worker.close()
        if isinstance(error, (OSError, AssertionError)):  # the latter: a daemonic process may have no children
            raise BSPError(f"worker process {len(workers)} of {count} could not be started: {error}") from error
        raise
    return workers


def work(spec_file: int, process: int, pipe: int, parent: int) -> None:
    """The first function of ours that runs in a worker.

    Args:
        spec_file: descriptor of the text that describes the job; closed.
        process: which of its processes this is.
        pipe: where to report.
        parent: the process with which this one is to end.
    """
    spec = json.loads(os.pread(spec_file, os.fstat(spec_file).st_size, 0).rstrip(b"\0"))
    os.close(spec_file)
    sys.path[:] = spec["path"]
    environment = spec["environment"] | blas_environment(spec["blas_threads"])
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    # Imported here: the launcher does without what only workers need.
    from .worker import main

    main(spec | {"parent": parent}, process, pipe)


def blas_environment(threads: int) -> dict[str, str]:
    """The variables that tell a BLAS how many threads it has; it reads them once, when it is loaded."""
    return dict.fromkeys(_BLAS_VARIABLES, str(threads))


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold back SIGINT: the children inherit that and are deaf to Ctrl-C from their first instruction on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
