"""A job: a program run by many peers, from its start to its values.

A program may run jobs itself. The workers of such a job die with the peer that runs it.
"""

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from numpy.typing import NDArray

from .. import failpoints
from ..about import plain_conf
from ..barriers import BarrierMaker
from ..coordination.layout import JobLayout
from ..coordination.settings import ZooKeeper
from ..errors import BSPError, PeerFailed, PeerLost
from ..links.settings import TCP
from ..memory.arrays import SharedArrays
from ..placement import Placement, available_cores
from ..program import Program, check_program, program_name
from .attempts import Attempts
from .launcher import Launcher
from .local import LocalLauncher
from .settings import JobSettings, limit, name_for, processes_of, whole
from .shipping import dump_program, refuse_while_loading

if TYPE_CHECKING:
    from ..coordination.record import JobRecord


class BSPJob:
    """Runs a program on `peers` peers.

    Args:
        program: a function `program(peer, *args, **kwargs)`, a `BSP` subclass or instance, or a list of `Superstep`
            subclasses or instances. Every peer gets a copy of its own, by value, also of the arguments.
        peers: how many peers.
        processes: how many worker processes they are spread over, as threads; by default one with transport="threads",
            else as many as peers, but no more than cores. Or a list: how many peers each process holds. User code that
            is to run in parallel inside a process must release the GIL, as numpy and compiled kernels do.
        args, kwargs: passed to the program after the peer.
        shared: arrays that all peers and the caller share; copied into shared memory once, here.
        conf: the program's configuration, as every peer finds it in `peer.conf`: plain data, as JSON holds it.
        topology: who does what in the program, for people and tools: plain data, published beside where the peers live
            while a job with `zookeeper=` runs.
        zookeeper: `ZooKeeper(...)`, or "host:port,host:port[/path]" as short for it, to have the job coordinated by
            ZooKeeper; None for the embedded coordinator.
        transport: how the processes reach each other: "shared" memory (default), "tcp" sockets or `TCP(...)`, "threads"
            for a job of one process.
        barrier: where they meet: "direct", by the transport; "zookeeper"; "auto" for ZooKeeper's where the job has one
            and its processes are not all on one host. Or a barrier of your own: a function of a
            `horn.bsp.barriers.Meeting` that returns a `Barrier`, called in each process for each group.
        memory_limit: bytes of messages that each worker process keeps in memory; what its peers send beyond that is
            written to a file, and counted under "spilled bytes". Values that are moved inside a process count nothing.
        spill_dir: the folder of these files, which have no names; by default that of temporary files.
        compression: "zlib" or "lzma" to compress messages of 1 KiB and more on their way to other processes; worth it
            where the network is slow.
        name: the job's name, for ZooKeeper and messages; by default one that nobody else has.
        timeout: seconds a peer may wait at a barrier for the others before `BarrierTimeout`; None for as long as they
            live.
        on_progress: called with what peer 0 passes to `peer.progress`, in the thread that is in `run`.
        seed: of the peers' random numbers.
        blas_threads: threads of the BLAS in each worker process.
        max_restarts: how often the program is started again, from its beginning, after a worker process was lost. The
            new attempt begins like the first: `shared` holds again what it held when `run` was called. Exceptions of
            the program are final.
        graceful_interrupt: on Ctrl-C ask the program to stop, give it 5 s to return, keep its values, then raise
            KeyboardInterrupt. By default Ctrl-C ends the workers at once.
        preload: what every worker will load: names of modules, or "module:function" for a function without arguments
            that is called, too. Where workers are forked it is loaded once, for all jobs to come: a module that is
            changed later stays as it was. For large libraries, not for what is being written.
        launcher: what starts the workers; processes on this host by default.

    Attributes:
        name: the job's name.
        shared: name -> array, the caller's view of the shared memory.
        values: what each peer's program returned, after `run`.
        counters: the peers' counters added up, after `run`.
        failures: what ended the attempts before the last one, after `run`.

    Raises:
        BSPError: an argument that makes no sense, said before anything is started.
    """

    def __init__(
        self,
        program: Program,
        peers: int,
        processes: SupportsIndex | Sequence[SupportsIndex] | None = None,
        *,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        shared: Mapping[str, NDArray[Any]] | None = None,
        conf: Mapping[str, Any] | None = None,
        topology: Mapping[str, Any] | None = None,
        zookeeper: str | ZooKeeper | None = None,
        transport: str | TCP | None = None,
        barrier: str | BarrierMaker = "auto",
        compression: str | None = None,
        memory_limit: int | None = None,
        spill_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        timeout: float | None = None,
        on_progress: Callable[[Any], None] | None = None,
        seed: int = 0,
        blas_threads: int = 1,
        max_restarts: int = 0,
        graceful_interrupt: bool = False,
        preload: Sequence[str] = (),
        launcher: Launcher | None = None,
    ) -> None:
        check_program(program, with_arguments=bool(args or kwargs))
        peers = whole("peers", peers)
        if processes is None:
            processes = 1 if transport == "threads" else min(peers, available_cores())
        self._settings = settings = JobSettings(
            name=name or name_for(program_name(program)),
            placement=Placement.of(peers, processes_of(processes)),
            timeout=limit("timeout", timeout),
            seed=whole("seed", seed),
            blas_threads=whole("blas_threads", blas_threads),
            graceful_interrupt=graceful_interrupt,
            max_restarts=whole("max_restarts", max_restarts),
            zookeeper=None if zookeeper is None else ZooKeeper.of(zookeeper),
            transport=transport,
            barrier=barrier,
            compression=compression,
            memory_limit=None if memory_limit is None else whole("memory_limit", memory_limit),
            spill_dir=None if memory_limit is None else os.fspath(spill_dir or tempfile.gettempdir()),
            conf=plain_conf("conf", conf),
            topology=plain_conf("topology", topology),
            preload=tuple(preload),
        )
        self._nodes = JobLayout("" if settings.zookeeper is None else settings.zookeeper.chroot, settings.name)
        self._program = program
        self._barrier = barrier if callable(barrier) else None
        self._args = tuple(args)
        self._kwargs = dict(kwargs or {})
        self._arrays = SharedArrays(shared or {})
        self._on_progress = on_progress
        self._launcher = launcher or LocalLauncher()
        self._attempts: Attempts | None = None
        self._stop = False
        self.name = settings.name
        self.shared: Mapping[str, NDArray[Any]] = self._arrays.views
        self.values: list[Any] = []
        self.counters: Counter[str] = Counter()
        self.failures: list[PeerLost] = []

    def run(self) -> Any:
        """Run the job to its end; return what peer 0's program returned.

        Raises:
            PeerFailed: a peer raised an exception (also the `__cause__`); has its traceback.
            PeerLost: a worker process died, and `max_restarts` others before; has its peers, pid and exit code.
            CoordinatorLost: ZooKeeper cannot be reached (within 10 s, before any worker starts), or was lost.
            BarrierTimeout, BSPError: as the peers met them.
            BSPError: called from a module that a worker imports, where it would never end.
            KeyboardInterrupt: Ctrl-C; no worker is left then.
        """
        refuse_while_loading()
        failpoints.arm()
        payload = dump_program(self._program, self._args, self._kwargs, self._barrier)
        attempts = Attempts(self._settings, self._arrays, payload, self._launcher, self._on_progress)
        self._attempts = attempts
        if self._stop:
            attempts.request_stop()
        try:
            with self._recorded() as record:
                failure = attempts.run(record)
        except BSPError as error:
            error.job = self.name
            raise
        finally:
            self.values, self.counters, self.failures = attempts.values, attempts.counters, attempts.failures
            self._attempts, self._stop = None, False
        if failure is None:
            return self.values[0]
        failure.job = self.name
        try:
            raise failure from (failure.exception if isinstance(failure, PeerFailed) else None)
        finally:
            # It refers to this frame: with a reference back, the job's memory would wait for the cyclic collector.
            del failure

    def stop(self) -> None:
        """Ask the program to end: `peer.stopping` becomes true for all peers at their next barrier. From any thread."""
        self._stop = True
        attempts = self._attempts  # read once: the run may end meanwhile
        if attempts is not None:
            attempts.request_stop()

    @contextlib.contextmanager
    def _recorded(self) -> Iterator["JobRecord | None"]:
        """Keep the job's znodes while it runs; yields nothing for a job without."""
        settings = self._settings
        if settings.zookeeper is None:
            yield None
            return
        # Imported here: jobs without ZooKeeper do not pay for its client.
        from ..coordination.record import JobRecord

        placement = settings.placement
        conf = {"peers": placement.peers, "processes": placement.processes, "seed": settings.seed}
        with contextlib.closing(
            JobRecord(settings.zookeeper, self._nodes, placement, conf, settings.topology)
        ) as record:
            yield record
