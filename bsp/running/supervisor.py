"""The launcher's watch over a running job: collects what the workers report, and ends the job when one of them is lost.

A worker's death shows as the end of its pipe, at once; a look at its exit code every 0.1 s covers pipes that a
grandchild holds open. After a failure the innocent workers get a moment to leave (their `cleanup` runs), then they are
killed.
"""

import selectors
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import BSPError, JobAborted, LinkLost, PeerLost, format_ranks
from ..memory.control import ControlBlock
from ..placement import Placement
from . import frames
from .failures import rebuild
from .launcher import WorkerHandle
from .shipping import load_value

TICK = 0.1
TICK_LEAVING = 0.002
GRACE = 0.4


class Supervisor:
    """Watches the workers of a job.

    Args:
        workers: the started workers; process i is `workers[i]`.
        placement: which peers live in which process.
        control: the job's control words.
        on_progress: called with what peer 0 reports.

    Attributes:
        values: what each peer's program returned, None where there is nothing yet.
        counters: the peers' counters, added up.
        failure: what ended the job, or None.
    """

    def __init__(
        self,
        workers: Sequence[WorkerHandle],
        placement: Placement,
        control: ControlBlock,
        on_progress: Callable[[Any], None] | None,
    ) -> None:
        self.values: list[Any] = [None] * placement.peers
        self.counters: Counter[str] = Counter()
        self.failure: BSPError | None = None
        self._workers = workers
        self._placement = placement
        self._control = control
        self._on_progress = on_progress
        self._returned: set[int] = set()
        self._told: set[int] = set()
        self._aborted = ""
        self._kill_at: float | None = None
        self._running = dict(enumerate(workers))
        self._readers = [frames.FrameReader(worker.fileno()) for worker in workers]
        self._selector = selectors.DefaultSelector()
        for process, worker in enumerate(workers):
            self._selector.register(worker.fileno(), selectors.EVENT_READ, process)

    def watch(self) -> bool:
        """Wait at most 0.1 s and handle what happened; return whether any worker still runs."""
        # A closed pipe announces an exit that comes at once.
        leaving = any(self._readers[process].closed for process in self._running)
        ready = {key.data for key, _ in self._selector.select(TICK_LEAVING if leaving else TICK)}
        for process, worker in list(self._running.items()):
            exited = worker.poll() is not None
            if process in ready or exited:
                self._read(process)
            if exited:
                self._end(process, worker)
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self._kill()
        return bool(self._running)

    def abort(self, reason: str, ranks: Sequence[int] = ()) -> None:
        """End the job: its workers leave at their next barrier, or are killed after the grace period."""
        if self._kill_at is None:
            self._control.abort(self._control.launcher, reason, ranks)
            self._kill_at = time.monotonic() + GRACE

    def close(self) -> None:
        """Kill what still runs, reap it, and close the pipes."""
        self._kill()
        self._selector.close()
        for worker in self._workers:
            worker.close()

    def outcome(self) -> BSPError | None:
        """Return what ended the job, or None where all peers returned."""
        if self.failure is None and len(self._returned) < self._placement.peers and self._aborted:
            return JobAborted(self._aborted)
        return self.failure

    def _read(self, process: int) -> None:
        for kind, peer, payload in self._readers[process].read():
            if kind == frames.VALUE:
                counters, value = frames.parted(payload)
                self.values[peer] = load_value(value)
                self.counters.update(load_value(counters))
                self._returned.add(peer)
            elif kind == frames.PROGRESS and self._on_progress is not None:
                self._on_progress(load_value(payload))
            elif kind == frames.FAILURE:
                self._told.add(process)
                self.fail(rebuild(peer, payload))
            elif kind == frames.ABORTED:
                self._told.add(process)
                self._aborted = self._aborted or payload.decode()
        if self._readers[process].closed:
            self._await_exit(process)

    def _await_exit(self, process: int) -> None:
        """The pipe is closed: the process is at its end. Look at it until it is gone, without spinning on the pipe."""
        fd = self._workers[process].fileno()
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def _end(self, process: int, worker: WorkerHandle) -> None:
        del self._running[process]
        self._await_exit(process)
        ranks = self._placement.ranks(process)
        # Whose end explains the broken connection that others have reported is the one to be named.
        explains = isinstance(self.failure, LinkLost) and process not in self._told
        first = self._kill_at is None and not self._aborted
        if not self._returned.issuperset(ranks) and (first or explains):
            code = worker.poll()
            self.fail(
                PeerLost(
                    f"{format_ranks(ranks)} (process {process}, pid {worker.pid}) {_describe_exit(code)}",
                    ranks,
                    worker.pid,
                    code,
                )
            )

    def fail(self, failure: BSPError) -> None:
        """Note what ended the job; the first one stands, unless it is a broken connection, which has a cause."""
        if self.failure is None or (isinstance(self.failure, LinkLost) and not isinstance(failure, LinkLost)):
            self.failure = failure
        self.abort(str(failure), failure.ranks)

    def _kill(self) -> None:
        for worker in self._running.values():
            worker.kill()
        self._running.clear()


def _describe_exit(code: int | None) -> str:
    early = "before its program returned"
    if code is None:
        return f"vanished {early}"
    if code >= 0:
        return f"exited with code {code} {early}"
    hint = "; often the machine was out of memory" if -code == signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name} {early}{hint}"
