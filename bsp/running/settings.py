"""What a job is asked to be, checked before anything is started."""

import math
import operator
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, SupportsIndex

from ..barriers import BarrierMaker
from ..compression import codec
from ..coordination.settings import ZooKeeper
from ..errors import BSPError
from ..links.settings import TCP
from ..placement import Placement

_LABEL = 60


@dataclass(frozen=True)
class JobSettings:
    """How a job runs; see `BSPJob` for what each setting means.

    Raises:
        BSPError: a number out of its range.
    """

    name: str
    placement: Placement
    timeout: float | None
    seed: int
    blas_threads: int
    graceful_interrupt: bool
    max_restarts: int
    zookeeper: ZooKeeper | None
    compression: str | None
    transport: str | TCP | None
    barrier: str | BarrierMaker
    memory_limit: int | None
    spill_dir: str | None
    conf: Mapping[str, Any]
    topology: Mapping[str, Any]
    preload: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.seed < 0 or self.blas_threads < 1:
            raise BSPError(
                f"seed must be at least 0 and blas_threads at least 1, got {self.seed} and {self.blas_threads}"
            )
        if self.max_restarts < 0:
            raise BSPError(f"max_restarts must be at least 0, got {self.max_restarts}")
        if self.memory_limit is not None and self.memory_limit < 1:
            raise BSPError(f"memory_limit must be at least 1 byte, or None, got {self.memory_limit}")
        if self.spill_dir is not None and not Path(self.spill_dir).is_dir():
            raise BSPError(f"spill_dir must be a folder, got {self.spill_dir!r}")
        if self.compression is not None:
            codec(self.compression)
        self._check_transport()
        if not callable(self.barrier) and self.barrier not in ("auto", "direct", "zookeeper"):
            raise BSPError(
                f'barrier must be "auto", "direct", "zookeeper" or a function of a Meeting, got {self.barrier!r}'
            )
        if self.barrier == "zookeeper" and self.zookeeper is None:
            raise BSPError('barrier="zookeeper" needs zookeeper="host:port,..."')

    @property
    def sockets(self) -> TCP | None:
        """How the processes reach each other over sockets, or None where they do it by shared memory."""
        if self.placement.processes == 1:
            return None
        return TCP() if self.transport == "tcp" else self.transport if isinstance(self.transport, TCP) else None

    @property
    def meets_at_zookeeper(self) -> bool:
        """Whether each process takes part in ZooKeeper's barriers.

        On one host there is nothing that it could tell processes that share memory, unless it is asked for.
        """
        if self.zookeeper is None or self.barrier == "direct" or callable(self.barrier):
            return False
        return self.barrier == "zookeeper" or self.zookeeper.participants == "process" or self.sockets is not None

    def told(self) -> dict[str, Any]:
        """Return what the workers are told of them: plain data."""
        return {
            "job": self.name,
            "peers": self.placement.peers,
            "processes": self.placement.processes,
            "sizes": self.placement.sizes,
            "timeout": self.timeout,
            "seed": self.seed,
            "blas_threads": self.blas_threads,
            "compression": self.compression,
            "memory_limit": self.memory_limit,
            "spill_dir": self.spill_dir,
            "conf": dict(self.conf),
            "zookeeper": None if self.zookeeper is None else self.zookeeper.plain(),
            "own_barrier": callable(self.barrier),
            "meets_at_zookeeper": self.meets_at_zookeeper,
            "sockets": None if self.sockets is None else self.sockets.plain(),
        }

    def _check_transport(self) -> None:
        if not isinstance(self.transport, TCP) and self.transport not in (None, "threads", "shared", "tcp"):
            raise BSPError(f'transport must be "threads", "shared", "tcp" or TCP(...), got {self.transport!r}')
        if self.transport == "threads" and self.placement.processes > 1:
            raise BSPError(
                f'transport="threads" is for one process, this job has {self.placement.processes}: give processes=1, '
                'or transport="shared"'
            )


def whole(name: str, value: SupportsIndex) -> int:
    """Return a whole number of any kind, NumPy's included, as Python's own. Raises BSPError for anything else."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise BSPError(f"{name} must be a whole number, got {value!r}") from error


def processes_of(value: SupportsIndex | Sequence[SupportsIndex]) -> int | list[int]:
    """Return how many processes, or how many peers each of them holds. Raises BSPError for anything else."""
    if isinstance(value, Sequence):
        return [whole("processes", size) for size in value]
    return whole("processes", value)


def limit(name: str, value: object) -> float | None:
    """Return a positive number of seconds, or None for none. Raises BSPError for anything else."""
    if value is None:
        return None
    seconds = float(value) if isinstance(value, Real) else math.nan
    if not seconds > 0:
        raise BSPError(f"{name} must be a positive number of seconds, or None, got {value!r}")
    return seconds


def name_for(program: str) -> str:
    """Return a job name that tells people what program runs, and that no other job has."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", program)[:_LABEL].strip("-")
    return f"{label or 'job'}-{uuid.uuid4().hex[:12]}"
