"""Coordination by ZooKeeper, a worker process's side.

A session, a guard that watches over the membership in it, and a barrier for each group that asks for one. What follows
from what is known to the machines of `horn.bsp.machine`; here are the requests that they ask for.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable

from kazoo.client import TransactionRequest
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError

from ..barriers import Arrival, Barrier, LoneBarrier, call
from ..errors import BSPError
from ..placement import Members, Placement
from .base import Coordinator, Member, Room, check_key
from .guard import Guard
from .layout import JobLayout
from .meeting import ZooKeeperBarrier
from .session import Session
from .settings import ZooKeeper

JOIN = "join"


class ZooKeeperCoordinator(Coordinator):
    """Process `rank`'s view of an attempt of a job that ZooKeeper coordinates.

    Args:
        settings: the service.
        layout: the paths of the attempt; the launcher has created them.
        placement: which peers live in which process.
        rank: this process.
        check: raises what ended the job elsewhere; runs in each slice of a wait.
        on_end: called once, from a thread of the coordinator, when the attempt has ended other than by `leave`.

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
        check: Callable[[], None] | None = None,
        on_end: Callable[[BSPError], None] | None = None,
    ) -> None:
        self._layout = layout
        self._placement = placement
        self._rank = rank
        self._check_elsewhere = check
        self._left = False
        self._published: set[str] = set()
        self._room = Room()
        self._session = Session(settings)
        self._guard = Guard(self._session, layout, placement, rank, on_end)

    def join(self) -> None:
        """Create the ephemeral znode, and wait until all others have theirs."""
        try:
            self._create_member()
        except NoNodeError:
            self._guard.explain(self._layout.members)
        self._guard.joined()
        barrier = self.barrier(JOIN, Members.world(self._placement))
        barrier.wait(Arrival(call("join")))
        self._guard.assembled()

    def _create_member(self) -> None:
        first, last = self._placement.bounds(self._rank)
        data = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "peers": [first, last]}).encode()
        path = self._layout.member(self._rank)
        try:
            self._session.create(path, data, ephemeral=True)
        except NodeExistsError as error:
            stat = self._session.stat(path)
            if stat is None or stat.ephemeralOwner != self._session.id:  # else the answer was lost
                raise BSPError(
                    f"{path} exists: process {self._rank} of job {self._layout.job} has already joined"
                ) from error

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

    def publish(self, key: str, value: bytes) -> None:
        """Write it into a znode, unless there is another attempt."""
        self._room.take(key, value)
        path = self._layout.info(key)

        def change(transaction: TransactionRequest) -> None:
            transaction.check(self._layout.current, self._guard.version())
            transaction.set_data(path, value)

        def create(transaction: TransactionRequest) -> None:
            transaction.check(self._layout.current, self._guard.version())
            transaction.create(path, value)

        try:
            try:
                self._session.commit(change if key in self._published else create)
            except NodeExistsError:
                self._session.commit(change)
        except (NoNodeError, BadVersionError):
            self._guard.explain(path)
        self._published.add(key)

    def lookup(self, key: str) -> bytes | None:
        """Read the znode, as the leader of the servers knows it."""
        check_key(key)
        try:
            return self._session.get_latest(self._layout.info(key))[0]
        except NoNodeError:
            return None

    def barrier(self, group: str, members: Members, timeout: float | None = None) -> Barrier:
        """Return this process's side of the barrier of a group; there is one in an attempt with a name.

        Args:
            group: its name, as a key.
            members: the group.
            timeout: seconds to wait for the others, or None for as long as they live.
        """
        if len(members.processes) == 1:
            return LoneBarrier(self.check)
        return ZooKeeperBarrier(
            self._session, self._guard, self._layout, group, members, self._rank, self.check, timeout
        )

    def abort(self, reason: str, ranks: Iterable[int] = ()) -> None:
        """Create the abort znode unless there is one."""
        self._guard.abort(reason, ranks)

    def check(self) -> None:
        """Raise what ended the attempt, if it has ended."""
        self._guard.check()
        if self._check_elsewhere is not None:
            self._check_elsewhere()

    def leave(self) -> None:
        """Leave a mark, remove the membership, end the session."""
        if not self._left:
            self._left = True
            self._guard.leave()
            self._session.close()
