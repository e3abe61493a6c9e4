"""Workers as forks of a process that has imported what they need: they start in milliseconds.

The user's process is never forked, which may hold locks and threads: the server is a fresh interpreter. It is started
with the first job, and serves all jobs that come later, as long as environment and limits are what they were.
"""

import atexit
import contextlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from multiprocess import util

from ..errors import BSPError
from . import descriptors
from .fork_server import CODE
from .launcher import Launcher, WorkerHandle, WorkerSpec
from .starting import blas_environment, start_all

#: Seconds within which the server must have answered, or a killed process ended.
PATIENCE = 60.0

_PROGRAM = (
    "import json, sys; link, sys.path[:], preload = json.loads(sys.argv[1]); "
    "from horn.bsp.running.fork_server import serve; serve(link, preload)"
)


#: Variables that interpreter and libraries read when they are loaded begin with one of these. Any other is what it is
#: when a job starts.
_READ_AT_LOADING = (
    "PYTHON",
    "HORN_",
    "NUMBA_",
    "LLVM",
    "OPENBLAS_",
    "OMP_",
    "MKL_",
    "KMP_",
    "MALLOC_",
    "LD_",
    "LC_",
    "LANG",
)


class Surroundings(NamedTuple):
    """What a forked process has from its server and no request can change."""

    environment: frozenset[tuple[str, str]]
    limits: tuple[tuple[int, int], ...]
    preload: tuple[str, ...]

    @classmethod
    def now(cls, preload: Sequence[str]) -> "Surroundings":
        """As a process would find them that is started now."""
        limits = (getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))
        return cls(
            frozenset(item for item in os.environ.items() if item[0].startswith(_READ_AT_LOADING)),
            tuple(resource.getrlimit(limit) for limit in limits),
            tuple(preload),
        )


class ForkServer:
    """A process that forks workers.

    Args:
        preload: what it loads first, see `WorkerSpec`.

    Raises:
        BSPError: it cannot load that.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.settimeout(PATIENCE)
        self._workers: set[ForkedWorker] = set()
        with theirs:
            told = json.dumps([theirs.fileno(), [str(path or Path.cwd()) for path in sys.path], list(preload)])
            self._process = subprocess.Popen(
                [sys.executable, *util._args_from_interpreter_flags(), "-c", _PROGRAM, told],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=os.environ | blas_environment(1),
                pass_fds=[theirs.fileno()],
            )
        try:
            self._receive()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it can fork."""
        return self._process.poll() is None

    @property
    def idle(self) -> bool:
        """Whether none of its workers is needed any more."""
        return not self._workers

    def fork(self, process: int, spec: WorkerSpec) -> "ForkedWorker":
        """Start the worker of a process of a job."""
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            pipe, pipe_end = _pipe(ours, theirs)
            code, code_end = _pipe(ours, theirs)
            folder = _held(theirs, os.open(".", os.O_RDONLY | os.O_DIRECTORY))
            outputs = [_held(theirs, _copy(number)) for number in (1, 2)]
            numbers = [pipe_end, folder, spec.spec, *spec.descriptors]
            message = {
                "process": process,
                "spec": spec.spec,
                "pipe": pipe_end,
                "folder": folder,
                "blas_threads": spec.blas_threads,
                "cores": sorted(os.sched_getaffinity(0)),
                "numbers": [1, 2, *numbers],
            }
            descriptors.send(self._link, message, [code_end, *outputs, *numbers])
            answer, (handle,) = self._receive()
            ours.pop_all()
        worker = ForkedWorker(self, answer["pid"], handle, pipe, code)
        self._workers.add(worker)
        return worker

    def release(self, worker: "ForkedWorker") -> None:
        """A worker of it has been closed."""
        self._workers.discard(worker)

    def close(self) -> None:
        """End it, and its workers."""
        self._link.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Let go of it in a process that is not the one that started it."""
        self._link.close()
        self._process.returncode = 0

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        try:
            answer = descriptors.receive(self._link)
        except TimeoutError as error:
            self._process.kill()  # whatever it answers later, nobody would know to what
            self._process.wait()
            raise BSPError(f"the process that workers are forked from did not answer within {PATIENCE} s") from error
        if answer is None:
            raise BSPError(
                f"the process that workers are forked from, pid {self.pid}, has ended with exit code "
                f"{self._process.wait(PATIENCE)}"
            )
        if "error" in answer[0]:
            raise BSPError(f"workers cannot be started: {answer[0]['error']}")
        return answer


class ForkedWorker(WorkerHandle):
    """A worker that a server has forked.

    Args:
        server: that has.
        pid: of the process.
        handle: descriptor of the process, which no other process can come to have.
        pipe: on which it reports.
        code: where the server tells its exit code.
    """

    def __init__(self, server: ForkServer, pid: int, handle: int, pipe: int, code: int) -> None:
        self.pid = pid
        self._server = server
        self._handle, self._pipe, self._code = handle, pipe, code
        self._exited: int | None = None
        os.set_blocking(pipe, False)

    def fileno(self) -> int:
        """Return the read end of the pipe."""
        return self._pipe

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self._exited is None and self._told(0.0):
            told = os.read(self._code, CODE.size)
            # the server has ended, and with it, killed by the kernel, its workers
            self._exited = CODE.unpack(told)[0] if told else -signal.SIGKILL
        return self._exited

    def _told(self, seconds: float) -> bool:
        """Whether the server has something to say of its end, within so many seconds."""
        poll = select.poll()
        poll.register(self._code, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def kill(self) -> None:
        """Kill, and wait until it is reaped.

        Raises:
            BSPError: it does not end.
        """
        if self.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ends by itself
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        if not self._told(PATIENCE):
            raise BSPError(f"worker process {self.pid} was killed and has not ended within {PATIENCE} s")
        self.poll()

    def close(self) -> None:
        """Close the pipe; the process has ended."""
        descriptors.close([self._handle, self._pipe, self._code])
        self._server.release(self)


class ForkLauncher(Launcher):
    """Starts workers on this host as forks of a server, which is a fresh interpreter without threads (Linux).

    A worker is what a fresh interpreter would be that has imported Horn, with the environment, the folder, the cores
    and the output of this process as they are when it is started.
    """

    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        """Start the workers; see `Launcher.start`."""
        return start_all(lambda process: _server(spec.preload).fork(process, spec), count)


_servers: dict[Surroundings, ForkServer] = {}


def _server(preload: Sequence[str]) -> ForkServer:
    """The server for workers that are started now. One that has become useless is ended."""
    now = Surroundings.now(preload)
    found = _servers.get(now)
    if found is not None and found.running:
        return found
    for known, server in list(_servers.items()):
        if not server.running or (server.idle and known._replace(preload=now.preload) != now):
            server.close()
            del _servers[known]
    _servers[now] = ForkServer(preload)
    return _servers[now]


def servers() -> list[int]:
    """Process ids of the servers that there are."""
    return [server.pid for server in _servers.values()]


def end_servers() -> None:
    """End all servers; the next job starts one again."""
    while _servers:
        _servers.popitem()[1].close()


def _forget_servers() -> None:
    while _servers:
        _servers.popitem()[1].forget()


def _held(stack: contextlib.ExitStack, descriptor: int) -> int:
    """A descriptor that is closed with the stack."""
    stack.callback(os.close, descriptor)
    return descriptor


def _pipe(ours: contextlib.ExitStack, theirs: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe from the worker to this process: the end to read, the end to write."""
    read, write = os.pipe()
    return _held(ours, read), _held(theirs, write)


def _copy(output: int) -> int:
    """A copy of an output's descriptor; where it is closed, one that leads nowhere."""
    try:
        return os.dup(output)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


atexit.register(end_servers)
os.register_at_fork(after_in_child=_forget_servers)
