"""What starts the workers of a job, and what it hands back for each of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WorkerSpec:
    """What a launcher needs to start the workers of a job.

    Attributes:
        spec: descriptor of the JSON text that describes the job.
        descriptors: further descriptors that the workers inherit, under the same numbers.
        blas_threads: threads of each worker's BLAS.
        preload: what the workers will load, "module" or "module:function"; a launcher may have it loaded already.
    """

    spec: int
    descriptors: Sequence[int]
    blas_threads: int
    preload: Sequence[str] = ()


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
