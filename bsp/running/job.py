"""A job: a program run by many peers, from its start to its values."""

import contextlib
import json
import math
import operator
import os
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any, SupportsIndex

from numpy.typing import NDArray

from .. import failpoints
from ..coordination.layout import JobLayout
from ..coordination.settings import ZooKeeper
from ..errors import BSPError, CoordinatorLost, PeerFailed
from ..memory.arrays import share, views
from ..memory.board import Board
from ..memory.control import ControlBlock
from ..memory.segment import Segment
from ..placement import Placement, available_cores
from ..program import Program, check_program
from .interrupts import InterruptCounter
from .launcher import Launcher, LocalLauncher, WorkerSpec
from .shipping import dump_program, loaded_modules, refuse_while_loading
from .supervisor import Supervisor

GRACEFUL_SECONDS = 5.0


class BSPJob:
    """Runs a program on `peers` peers.

    Args:
        program: a function `program(peer, *args, **kwargs)`, or a `BSP` subclass or instance. Every peer gets a copy
            of its own, by value, also of the arguments.
        peers: how many peers.
        processes: how many worker processes they are spread over, as threads; by default as many as peers, but no more
            than cores. User code that is to run in parallel inside a process must release the GIL, as numpy and
            compiled kernels do.
        args, kwargs: passed to the program after the peer.
        shared: arrays that all peers and the caller share; copied into shared memory once, here.
        zookeeper: `ZooKeeper(...)`, or "host:port,host:port[/path]" as short for it, to have the job coordinated by
            ZooKeeper; None for the embedded coordinator.
        name: the job's name, for ZooKeeper and messages; by default one that nobody else has.
        timeout: seconds a peer may wait at a barrier for the others before `BarrierTimeout`; None for as long as they
            live.
        on_progress: called with what peer 0 passes to `peer.progress`, in the thread that is in `run`.
        seed: of the peers' random numbers.
        blas_threads: threads of the BLAS in each worker process.
        graceful_interrupt: on Ctrl-C ask the program to stop, give it 5 s to return, keep its values, then raise
            KeyboardInterrupt. By default Ctrl-C ends the workers at once.
        launcher: what starts the workers; processes on this host by default.

    Attributes:
        name: the job's name.
        shared: name -> array, the caller's view of the shared memory.
        values: what each peer's program returned, after `run`.
        counters: the peers' counters added up, after `run`.

    Raises:
        BSPError: an argument that makes no sense, said before anything is started.
    """

    def __init__(
        self,
        program: Program,
        peers: int,
        processes: int | None = None,
        *,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        shared: Mapping[str, NDArray[Any]] | None = None,
        zookeeper: str | ZooKeeper | None = None,
        name: str | None = None,
        timeout: float | None = None,
        on_progress: Callable[[Any], None] | None = None,
        seed: int = 0,
        blas_threads: int = 1,
        graceful_interrupt: bool = False,
        launcher: Launcher | None = None,
    ) -> None:
        check_program(program)
        peers, seed, blas_threads = _whole("peers", peers), _whole("seed", seed), _whole("blas_threads", blas_threads)
        processes = min(peers, available_cores()) if processes is None else _whole("processes", processes)
        self._placement = Placement(peers, processes)
        self._timeout = _limit(timeout)
        if seed < 0 or blas_threads < 1:
            raise BSPError(f"seed must be at least 0 and blas_threads at least 1, got {seed} and {blas_threads}")
        self.name = name or _name_for(program)
        self._zookeeper = None if zookeeper is None else ZooKeeper.of(zookeeper)
        self._nodes = JobLayout("" if self._zookeeper is None else self._zookeeper.chroot, self.name)
        self._program = program
        self._args = tuple(args)
        self._kwargs = dict(kwargs or {})
        self._segment, self._layout = share(shared or {})
        self.shared: Mapping[str, NDArray[Any]] = views(self._segment, self._layout)
        self._on_progress = on_progress
        self._seed = seed
        self._blas_threads = blas_threads
        self._graceful = graceful_interrupt
        self._launcher = launcher or LocalLauncher()
        self._control: ControlBlock | None = None
        self._stop = False
        self.values: list[Any] = []
        self.counters: Counter[str] = Counter()

    def run(self) -> Any:
        """Run the job to its end; return what peer 0's program returned.

        Raises:
            PeerFailed: a peer raised an exception (also the `__cause__`); has its traceback.
            PeerLost: a worker process died; has its peers, pid and exit code.
            CoordinatorLost: ZooKeeper cannot be reached (within 10 s, before any worker starts), or was lost.
            BarrierTimeout, BSPError: as the peers met them.
            BSPError: called from a module that a worker imports, where it would never end.
            KeyboardInterrupt: Ctrl-C; no worker is left then.
        """
        refuse_while_loading()
        failpoints.arm()
        payload = dump_program(self._program, self._args, self._kwargs)
        with (
            contextlib.closing(JobMemory(self._placement, self._segment, payload)) as memory,
            self._recorded() as check,
        ):
            self._control = memory.control
            if self._stop:
                memory.control.request_stop()
            spec = memory.add("spec", json.dumps(self._describe(memory)).encode())
            start = WorkerSpec(spec, memory.descriptors, self._blas_threads)
            with InterruptCounter() as interrupts:
                failure = self._supervise(start, memory.control, interrupts, check)
        if failure is None:
            return self.values[0]
        try:
            raise failure from (failure.exception if isinstance(failure, PeerFailed) else None)
        finally:
            # It refers to this frame: with a reference back, the job's memory would wait for the cyclic collector.
            del failure

    def stop(self) -> None:
        """Ask the program to end: `peer.stopping` becomes true for all peers at their next barrier. From any thread."""
        self._stop = True
        control = self._control  # read once: the run may end meanwhile
        if control is not None:
            control.request_stop()

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[Callable[[], None]]:
        """Keep the job's znodes while it runs; yields a check that the coordination service still answers."""
        if self._zookeeper is None:
            yield lambda: None
            return
        # Imported here: jobs without ZooKeeper do not pay for its client.
        from ..coordination.record import JobRecord

        conf = {"peers": self._placement.peers, "processes": self._placement.processes, "seed": self._seed}
        with contextlib.closing(JobRecord(self._zookeeper, self._nodes, self._placement, conf)) as record:
            yield record.check

    def _supervise(
        self, start: WorkerSpec, control: ControlBlock, interrupts: InterruptCounter, check: Callable[[], None]
    ) -> BSPError | None:
        """Run the workers to their end; return what ended the job, if it did not end by itself."""
        workers = self._launcher.start(start, self._placement.processes)
        supervisor = Supervisor(workers, self._placement, control, self._on_progress)
        try:
            deadline: float | None = None
            while supervisor.watch():
                try:
                    check()
                except CoordinatorLost as lost:
                    supervisor.fail(lost)
                if interrupts.count and deadline is None:
                    deadline = time.monotonic() + (GRACEFUL_SECONDS if self._graceful else 0.0)
                    control.request_stop()
                if deadline is not None and (interrupts.count > 1 or time.monotonic() >= deadline):
                    supervisor.abort("interrupted")
        finally:
            supervisor.close()
            self.values, self.counters = supervisor.values, supervisor.counters
            self._control, self._stop = None, False
        if interrupts.count:
            raise KeyboardInterrupt
        return supervisor.outcome()

    def _describe(self, memory: "JobMemory") -> dict[str, Any]:
        """Return the job as the workers are told of it: plain data."""
        return {
            "path": [str(path) if path else str(Path.cwd()) for path in sys.path],
            "argv": sys.argv,
            "launcher": os.getpid(),
            "modules": loaded_modules(),
            "peers": self._placement.peers,
            "processes": self._placement.processes,
            "seed": self._seed,
            "zookeeper": None if self._zookeeper is None else self._zookeeper.plain(),
            "job": self.name,
            "timeout": self._timeout,
            "layout": self._layout,
            "descriptors": memory.descriptors,
            **memory.named,
        }


def _whole(name: str, value: SupportsIndex) -> int:
    """Return a whole number of any kind, NumPy's included, as Python's own."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise BSPError(f"{name} must be a whole number, got {value!r}") from error


def _limit(timeout: object) -> float | None:
    """Return a time limit, in seconds, or None for none."""
    if timeout is None:
        return None
    seconds = float(timeout) if isinstance(timeout, Real) else math.nan
    if not seconds > 0:
        raise BSPError(f"timeout must be a positive number of seconds, or None, got {timeout!r}")
    return seconds


def _name_for(program: Program) -> str:
    """Return a name that tells people what runs and that no other job has."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", getattr(program, "__name__", type(program).__name__)).strip("-")
    return f"{label or 'job'}-{uuid.uuid4().hex[:12]}"


class JobMemory:
    """The shared memory of one run.

    Args:
        placement: which peers live where.
        shared: the job's shared arrays; they outlive the run.
        payload: the program.
    """

    def __init__(self, placement: Placement, shared: Segment, payload: bytes) -> None:
        control = Segment.create("control", ControlBlock.size(placement.processes))
        board = Segment.create("board", Board.size(placement.processes))
        heaps = [Segment.create("heap", 1) for _ in range(placement.processes)] if placement.processes > 1 else []
        self._segments = [control, board, *heaps]
        self.control = ControlBlock(control, placement.processes)
        program = self.add("program", payload)
        self.descriptors = [shared.fd, *(segment.fd for segment in self._segments)]
        self.named: dict[str, Any] = {
            "control": control.fd,
            "board": board.fd,
            "payload": program,
            "payload_size": len(payload),
            "shared": shared.fd,
            "heaps": [heap.fd for heap in heaps],
        }

    def add(self, label: str, content: bytes) -> int:
        """Put bytes into a segment of their own; return its descriptor."""
        segment = Segment.create(label, len(content))
        segment.view(len(content))[:] = content
        self._segments.append(segment)
        return segment.fd

    def close(self) -> None:
        """Close all descriptors."""
        for segment in self._segments:
            segment.close()
