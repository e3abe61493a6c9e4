"""The peer: everything that a BSP program can do.

A program runs in supersteps. It computes, sends, and calls `sync()`; what was sent in superstep s is readable in s+1
and only there. Posts are outside of this: they come when they come.
"""

import operator
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from .about import About
from .barriers import FINISH
from .encoding import decode, encode
from .group import Group
from .home import Home
from .messages import Post
from .site import Site

Array = NDArray[Any]
# Before the keys of programs: what the engine publishes is apart from them.
_PUBLISHED = "of-peers."


class Peer(Group):
    """One of the `num_peers` equal participants of a job. A thread of a worker process; use it from that thread only.

    A peer is a member of the group of all; see `Group` for what groups can do.

    Attributes:
        process: the worker process it lives in, in [0, num_processes).
        num_processes: how many worker processes the job has.
        attempt: which attempt of the job this is, from 1; above 1 after the loss of a worker process, where the job was
            given `max_restarts`.
        counters: counts by name, added up over all peers in `BSPJob.counters` at the end.
        conf: what `BSPJob(conf=...)` was given, not to be changed.
        shared: the arrays that `BSPJob(shared=...)` was given: the same memory in every peer and in the caller. Who
            writes what between two barriers is up to the program.
    """

    def __init__(
        self,
        home: Home,
        world: Site,
        index: int,
        seed: int,
        shared: Mapping[str, Array],
        report: Callable[[object], None],
        about: About,
    ) -> None:
        super().__init__(home, world, index)
        self.process = home.process
        self.num_processes = home.placement.processes
        self.attempt = about.attempt
        self.conf = about.conf
        self.counters: Counter[str] = Counter()
        self.shared = shared
        self._seed = seed
        self._report = report
        self._about = about
        self._rng: np.random.Generator | None = None

    @property
    def name(self) -> str:
        """This peer's name, as "host:process.peer"."""
        return self.names[self.index]

    @property
    def names(self) -> list[str]:
        """The names of all peers."""
        return [self._about.name_of(peer, self._home.placement) for peer in range(self.num_peers)]

    @property
    def peers_of_host(self) -> list[int]:
        """The peers that live on this peer's host, itself included."""
        return self._about.peers_of_host(self.process, self._home.placement)

    @property
    def task_id(self) -> str:
        """What no other peer of any attempt of any job is called: "job-attempt-peer"."""
        return f"{self._about.job}-{self.attempt}-{self.index}"

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers of this peer's own, from the job's seed and the peer's index."""
        if self._rng is None:
            self._rng = np.random.default_rng([self._seed, self.index])
        return self._rng

    @property
    def stop_requested(self) -> bool:
        """Whether the job was asked to stop, as this process sees it now: for programs that do without `sync`.

        Other peers may see it a little earlier or later; see `stopping` for what all see at once.
        """
        return self._home.stop_requested()

    def publish(self, key: str, value: object) -> None:
        """Make a value known to all peers under a key, at once: no superstep is involved.

        For names and addresses, not for data: what the peers of one process publish may take 64 KiB in all.

        Args:
            key: letters, digits, '.', '_', '-', 100 at most. One process owns it, and may publish it again.
            value: as for `send`.

        Raises:
            BSPError: the key is no such text, the value of another type, or there is no room.
            CoordinatorLost: ZooKeeper is lost.

        Cost: microseconds, with ZooKeeper one or two round trips to the server.
        """
        self._home.coordinator.publish(f"{_PUBLISHED}{key}", bytes(encode(value)))

    def lookup(self, key: str) -> Any:
        """Return what a peer has published under a key, or None. Raises and costs as `publish`."""
        found = self._home.coordinator.lookup(f"{_PUBLISHED}{key}")
        return None if found is None else decode(bytearray(found))

    def progress(self, value: object) -> None:
        """Report to the caller of `run()`: what peer 0 gives is handed to the job's `on_progress`.

        Does not wait; has no effect on other peers.

        Args:
            value: anything that can be pickled.
        """
        if self.index == 0:
            self._report(value)

    # Posts: across groups, outside of supersteps

    def post(self, to: SupportsIndex, value: object, timeout: float | None = None) -> None:
        """Post a value to any peer of the job, in whatever groups both are: it comes to its `inbox` when it comes.

        Supersteps and barriers have no part in it: a `sync` neither waits for posts nor hurries them, and the order in
        which posts of different senders come is not deterministic. Those of one sender come in order, none twice. What
        the receiver has not read when all peers have finished is dropped, and counted in its counter "unread posts".

        The value is copied here and now. When 16 MiB lie unread on the way from this process to the receiver, `post`
        waits for room: peers that post to each other much without reading wait for each other for ever.

        Args:
            to: the receiver, in [0, num_peers) of the job.
            value: as for `send`.
            timeout: seconds to wait for room; None for as long as the receiver runs.

        Raises:
            TypeError, BSPError: no such receiver, a value of another type, a negative timeout, or no memory left.
            PostTimeout: the receiver has left no room within `timeout`.
            BSPError: there is no room, and nobody reads: the receiver has finished, or is this peer.
            JobAborted, CoordinatorLost: the job has ended while this waited.

        Cost: h·g for h = bytes of the value, no l; two copies in memory on one host, some 10 µs.
        """
        self._home.posts.post(self.index, operator.index(to), value, timeout)

    def inbox(self) -> list[Post]:
        """Return what was posted to this peer and has arrived, and empty the inbox; does not wait.

        In order for each sender. The arrays in it are this peer's own and writable. Cost: a copy of what is there.
        """
        return self._home.posts.inbox(self.index)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a post is in the inbox.

        Args:
            timeout: seconds; 0 only looks. None for as long as any other peer runs.

        Returns:
            Whether there is a post: true at once where one is there already, false when the time is over.

        Raises:
            JobAborted, CoordinatorLost: the job has ended.
            BSPError: a negative timeout; or none, and all other peers have finished: nobody can post any more.
        """
        return self._home.posts.wait(self.index, timeout)

    def finish(self) -> None:
        """Wait until all peers have finished, and count the posts that nobody read. The engine calls this."""
        self._home.posts.finish(self.index)
        self._site.wait(self.index, FINISH)
        unread = self._home.posts.unread(self.index)
        if unread:
            self.counters["unread posts"] += unread
