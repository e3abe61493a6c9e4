"""Coordination by ZooKeeper, a worker process's side.

The barrier of a generation is a znode: each participant creates its rank below and reads the number of children, in
one round trip; who sees all of them creates `go`, for which the others watch. There is no leave phase: whoever arrives
at generation g has left g-1, so the creator of g's `go` also prepares g+1 and clears g-1. Cost: l = 2-3 round trips,
whatever the number of participants.

Losses: each participant is an ephemeral znode and watches the next one on the ring; whoever sees its neighbour vanish
creates `abort` with the neighbour's peers, for which everybody watches.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable

from kazoo.exceptions import NodeExistsError, NoNodeError, ZookeeperError
from kazoo.interfaces import IAsyncResult
from kazoo.protocol.states import EventType, WatchedEvent

from ..barriers.patience import Patience
from ..errors import BSPError, CoordinatorLost, JobAborted, PeerLost, format_ranks
from ..placement import Placement
from .base import Coordinator, Member, check_key, check_value
from .layout import JobLayout
from .session import BROKEN, SLICE, Session
from .settings import ZooKeeper

logger = logging.getLogger("horn.bsp")

WORLD = "world"
_LOST = "lost"


class ZooKeeperCoordinator(Coordinator):
    """Process `rank`'s view of a job that ZooKeeper coordinates.

    Args:
        settings: the service.
        layout: the job's paths; the launcher has created them.
        placement: which peers live in which process.
        rank: this process.
        timeout: seconds to wait at a barrier, or None for as long as the others live.
        on_end: called once, from a thread of the coordinator, when the job has ended other than by `leave`.

    Raises:
        CoordinatorLost: no server answers.
    """

    def __init__(
        self,
        settings: ZooKeeper,
        layout: JobLayout,
        placement: Placement,
        rank: int,
        *,
        timeout: float | None = None,
        on_end: Callable[[BSPError], None] | None = None,
    ) -> None:
        self._layout = layout
        self._placement = placement
        self._rank = rank
        self._timeout = timeout
        self._on_end = on_end
        self._ended: BSPError | None = None
        self._leaving = False
        self._generation = 0
        self._opened = ""
        self._arrived = threading.Event()
        self._stirred = threading.Event()
        self._session = Session(settings)
        self._session.notify(self._stirred)
        self._session.notify(self._arrived)
        self._look_every = max(settings.session_timeout / 2, SLICE)
        self._guard = threading.Thread(target=self._watch, name="zookeeper guard", daemon=True)

    def join(self) -> None:
        """Create the ephemeral znode, and wait until all others have theirs."""
        first, last = self._placement.bounds(self._rank)
        data = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "peers": [first, last]}).encode()
        path = self._layout.member(self._rank)
        try:
            self._session.create(path, data, ephemeral=True)
        except NodeExistsError as error:
            raise BSPError(
                f"{path} exists: process {self._rank} of job {self._layout.job} has already joined"
            ) from error
        for path in (self._layout.group(WORLD), self._layout.step(WORLD, 0)):
            with contextlib.suppress(NodeExistsError):  # whoever comes first makes them
                self._session.create(path)
        self.barrier()
        self._guard.start()

    def members(self) -> dict[int, Member]:
        """Read the members' znodes."""
        found = {}
        for rank in sorted(map(int, self._session.children(self._layout.members))):
            try:
                told = json.loads(self._session.get(self._layout.member(rank)))
            except NoNodeError:  # it left between the two requests
                continue
            found[rank] = Member(told["host"], told["pid"], (told["peers"][0], told["peers"][1]))
        return found

    def barrier(self) -> None:
        """Meet the other processes; see the module's text. Cost: l = 2-3 round trips to the server.

        Raises:
            JobAborted, PeerLost, CoordinatorLost: the job has ended.
            BarrierTimeout: names who is missing.
        """
        self.check()
        step = self._layout.step(WORLD, self._generation)
        patience: Patience | None = None
        while not self._meet(step):
            patience = patience or Patience(self._timeout, lambda: self._missing(step))
            while not self._arrived.wait(SLICE):
                self.check()
                patience.check()
            self.check()
        self._generation += 1

    def publish(self, key: str, value: bytes) -> None:
        """Create or set /info/<key>."""
        check_value(key, value)
        path = self._layout.info(key)
        try:
            self._session.create(path, value)
        except NodeExistsError:
            self._session.set(path, value)

    def lookup(self, key: str) -> bytes | None:
        """Read /info/<key>."""
        check_key(key)
        try:
            return self._session.get(self._layout.info(key))
        except NoNodeError:
            return None

    def abort(self, reason: str, ranks: Iterable[int] = ()) -> None:
        """Create the abort znode unless there is one."""
        self._declare_end("aborted", reason, ranks)

    def check(self) -> None:
        """Raise what ended the job, if it has ended."""
        if self._ended is not None:
            raise self._ended
        self._session.check()

    def leave(self) -> None:
        """Leave a mark, remove the membership, end the session."""
        if not self._leaving:
            self._leaving = True
            if self._ended is None:
                self._resign()
            self._stirred.set()
            if self._guard.ident is not None:
                self._guard.join(timeout=2.0)
            self._session.close()

    # The barrier

    def _meet(self, step: str) -> bool:
        """Announce this process at a barrier, once, and return whether the barrier is open."""
        go, rank, client = f"{step}/go", f"{step}/{self._rank}", self._session.client
        if self._opened == go:
            return True
        self._arrived.clear()
        # Three requests in one round trip: a session's requests are carried out in order.
        requests = client.exists_async(go, watch=self._on_go), client.create_async(rank), client.exists_async(step)
        try:
            if self._session.answer(requests[0]) is not None:
                return True
            self._accept_repetition(requests[1])
            stat = self._session.answer(requests[2])
            return stat is not None and stat.numChildren == self._placement.processes and self._open(go)
        except NoNodeError as error:
            raise CoordinatorLost(f"the znodes of job {self._layout.job} are gone: there is no {step}") from error
        except BROKEN:
            # Neither done nor refused for certain: do it all again, as soon as the connection is back.
            self._session.check()
            self._arrived.set()
            return False

    def _accept_repetition(self, creation: IAsyncResult[str]) -> None:
        with contextlib.suppress(NodeExistsError):
            self._session.answer(creation)

    def _open(self, go: str) -> bool:
        generation = self._generation
        transaction = self._session.client.transaction()
        transaction.create(go)
        transaction.create(self._layout.step(WORLD, generation + 1))
        answer = self._session.answer(transaction.commit_async())[0]
        if isinstance(answer, ZookeeperError) and not isinstance(answer, NodeExistsError):
            raise CoordinatorLost(f"ZooKeeper refused to open the barrier {go}: {answer!r}")
        if generation > 0 and not isinstance(answer, ZookeeperError):
            self._clear(self._layout.step(WORLD, generation - 1))
        return True

    def _clear(self, step: str) -> None:
        """Remove a barrier that everybody has left, without waiting for it: the launcher removes what stays."""
        transaction = self._session.client.transaction()
        for rank in range(self._placement.processes):
            transaction.delete(f"{step}/{rank}")
        transaction.delete(f"{step}/go")
        transaction.delete(step)
        transaction.commit_async()

    def _missing(self, step: str) -> list[int]:
        present = set(self._session.children(step))
        if "go" in present:
            return []
        late = [process for process in range(self._placement.processes) if str(process) not in present]
        return [peer for process in late for peer in self._placement.ranks(process)]

    def _on_go(self, event: WatchedEvent) -> None:
        # Runs in kazoo's thread. Other events mean that the watch is gone with its connection: look again.
        if event.type == EventType.CREATED:
            self._opened = event.path
        self._arrived.set()

    # The guard

    def _watch(self) -> None:
        """Look at the abort znode and the neighbour whenever something stirs, and once in a while."""
        while not self._leaving and self._ended is None:
            # Cleared before looking: what happens during the look wakes us again.
            self._stirred.clear()
            try:
                self._look()
            except BSPError as error:
                self._end(error)
                return
            self._pause()

    def _pause(self) -> None:
        waited = 0.0
        while not self._stirred.wait(SLICE) and waited < self._look_every:
            waited += SLICE
            try:
                self._session.check()
            except CoordinatorLost:
                return  # the next look raises it

    def _look(self) -> None:
        self._session.check()
        if self._session.exists(self._layout.abort, self._on_stir):
            raise self._abort_told()
        neighbour = (self._rank + 1) % self._placement.processes
        if neighbour == self._rank:
            return
        member, left = self._layout.member(neighbour), self._layout.left(neighbour)
        if not self._session.exists(member, self._on_stir):
            if self._leaving or self._session.exists(left):
                return
            ranks = self._placement.ranks(neighbour)
            who = f"{format_ranks(ranks)} (process {neighbour})"
            self._declare_end(_LOST, f"{who} vanished from ZooKeeper: killed, or cut off from the servers", ranks)
            raise self._abort_told()

    def _on_stir(self, event: WatchedEvent) -> None:
        self._stirred.set()

    def _declare_end(self, kind: str, reason: str, ranks: Iterable[int]) -> None:
        data = json.dumps({"kind": kind, "reason": reason[:10_000], "ranks": list(ranks)}).encode()
        try:
            self._session.create(self._layout.abort, data)
        except NodeExistsError:
            logger.debug("the job was aborted already")

    def _abort_told(self) -> BSPError:
        told = json.loads(self._session.get(self._layout.abort))
        if told["kind"] == _LOST:
            return PeerLost(told["reason"], told["ranks"])
        return JobAborted(f"the job was aborted: {told['reason']}", told["ranks"])

    def _end(self, error: BSPError) -> None:
        self._ended = error
        self._arrived.set()
        if self._on_end is not None and not self._leaving:
            self._on_end(error)

    def _resign(self) -> None:
        transaction = self._session.client.transaction()
        transaction.create(self._layout.left(self._rank))
        transaction.delete(self._layout.member(self._rank))
        try:
            self._session.answer(transaction.commit_async())
        except (*BROKEN, CoordinatorLost) as error:
            logger.warning("process %d could not sign off from ZooKeeper: %s", self._rank, error)
