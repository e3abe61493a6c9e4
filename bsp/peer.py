"""The peer: everything that a BSP program can do.

A program runs in supersteps. It computes, sends, and calls `sync()`; what was sent in superstep s is readable in s+1
and only there.
Costs are given in the BSP model: h bytes sent or received by a peer cost h·g, a barrier costs l.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .barriers import FINISH, SYNC
from .site import Site

Array = NDArray[Any]


class Peer:
    """One of the `num_peers` equal participants of a job. A thread of a worker process; use it from that thread only.

    Attributes:
        index: this peer, in [0, num_peers).
        num_peers: how many peers the job has.
        process: the worker process it lives in, in [0, num_processes).
        num_processes: how many worker processes the job has.
        superstep: how many supersteps have ended.
        counters: counts by name, added up over all peers in `BSPJob.counters` at the end.
        shared: the arrays that `BSPJob(shared=...)` was given: the same memory in every peer and in the caller. Who
            writes what between two barriers is up to the program.
        stopping: whether the job was asked to stop. All peers see the same answer at the same place of the program, as
            it changes only in `sync()`.
    """

    def __init__(
        self, site: Site, index: int, seed: int, shared: Mapping[str, Array], report: Callable[[object], None]
    ) -> None:
        self.index = index
        self.num_peers = site.placement.peers
        self.process = site.process
        self.num_processes = site.placement.processes
        self.superstep = 0
        self.counters: Counter[str] = Counter()
        self.shared = shared
        self.stopping = False
        self._site = site
        self._seed = seed
        self._report = report
        self._rng: np.random.Generator | None = None
        self._messages: list[Any] | None = None

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers of this peer's own, from the job's seed and the peer's index."""
        if self._rng is None:
            self._rng = np.random.default_rng([self._seed, self.index])
        return self._rng

    def send(self, to: int, value: object, *, move: bool = False) -> None:
        """Send a value to a peer: readable by `to` after the next `sync()`, until the one after.

        The value is copied here and now; what the sender changes later is not seen.

        Args:
            to: the receiver, in [0, num_peers); may be this peer.
            value: None, numbers, str, bytes, numpy arrays and scalars, and lists, tuples, dicts of these.
            move: hand the value over instead: the sender must not touch it any more. Saves the copy inside a process.

        Raises:
            BSPError: no such receiver, a value of another type, or no memory left.

        Cost: h·g, h = bytes of the value; twice a copy in memory on one host.
        """
        self._site.mailbox.send(self.superstep, self.index, to, value, move)

    def messages(self) -> list[Any]:
        """Return what was sent to this peer in the last superstep, ordered by (sender, sequence).

        The arrays in it are this peer's own and writable.
        """
        if self._messages is None:
            self._messages = [message.value() for message in self._site.mailbox.received(self.index)]
        return self._messages

    @property
    def num_messages(self) -> int:
        """How many messages `messages()` holds."""
        return len(self._site.mailbox.received(self.index))

    def sync(self) -> None:
        """End the superstep: wait for all peers, and make what they sent readable.

        Raises:
            JobAborted: the job was ended elsewhere.
            BarrierTimeout: peers did not come within the job's `timeout`.
            BSPError: another peer called something else, or has finished.

        Cost: l.
        """
        self.stopping = self._site.wait(self.index, SYNC).stop
        self.superstep += 1
        self._messages = None

    def allreduce(self, value: Any, op: str = "sum", *, out: Array | None = None) -> Any:
        """Reduce arrays, or numbers, of all peers elementwise; every peer gets the result. No superstep ends.

        Args:
            value: an array or a number; the same shape and dtype on all peers.
            op: "sum", "mean", "max" or "min". Sums are formed along one binary tree over the peers: the same bits
                for any number of processes. Booleans count as int64; the mean of integers is float64.
            out: an array to write the result into; may be `value` itself.

        Returns:
            An array of the shape of `value` (or `out`), or a numpy scalar for a number.

        Raises:
            BSPError: unknown operation, no numbers, or the peers' shapes, dtypes or operations differ.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: 2·n·g + 2·l, n = bytes of the array.
        """
        return self._site.collectives.allreduce(self.index, value, op, out)

    def broadcast(self, value: object = None, root: int = 0) -> Any:
        """Return on all peers a copy of the value that peer `root` gives. No superstep ends.

        Args:
            value: as for `send`; ignored on the other peers.
            root: who gives it, the same on all peers.

        Raises:
            BSPError: no such root, a value of another type, or the peers' roots differ.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: n·g + 2·l, n = bytes of the value.
        """
        return self._site.collectives.broadcast(self.index, value, root)

    def progress(self, value: object) -> None:
        """Report to the caller of `run()`: what peer 0 gives is handed to the job's `on_progress`.

        Does not wait; has no effect on other peers.

        Args:
            value: anything that can be pickled.
        """
        if self.index == 0:
            self._report(value)

    def finish(self) -> None:
        """Wait until all peers have finished. The engine calls this after the program."""
        self._site.wait(self.index, FINISH)
