"""A session with ZooKeeper in which nothing waits for ever.

kazoo's calls block while no server answers, and its LOST comes only from a server. So every answer is awaited in
slices, and a clock of our own declares the service lost when the connection has been down for 4/3 of the session's
timeout: by then the servers have declared us dead, or nobody is there to do so.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from kazoo.client import KazooClient
from kazoo.exceptions import (
    ConnectionClosedError,
    ConnectionLoss,
    NodeExistsError,
    OperationTimeoutError,
    SessionExpiredError,
    ZookeeperError,
)
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.interfaces import IAsyncResult
from kazoo.protocol.states import KazooState, WatchedEvent

from ..errors import CoordinatorLost
from .layout import Address

T = TypeVar("T")
Watch = Callable[[WatchedEvent], object]
CONNECT_SECONDS = 5.0
SLICE = 0.05
ATTEMPTS = 3
"""Attempts to connect again that a session's timeout has room for, at the least."""
BROKEN = (ConnectionLoss, ConnectionClosedError, OperationTimeoutError)
"""What a request meets whose connection breaks: it may have been carried out, or not."""

# kazoo warns of every failed attempt to connect; what matters of it reaches the user as CoordinatorLost.
_kazoo_logger = logging.getLogger("horn.bsp.kazoo")
_kazoo_logger.addHandler(logging.NullHandler())
_kazoo_logger.propagate = False


class Session:
    """A connected session.

    Args:
        address: the servers.
        timeout: of the session, seconds.

    Raises:
        CoordinatorLost: no server answered within 5 s.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        self._down_since: float | None = time.monotonic()
        self._expired = False
        self._listeners: list[threading.Event] = []
        # A server that is still starting may leave a handshake unanswered, and kazoo waits for the answer as long as
        # the session's timeout, divided by the number of hosts. With a lone server that is the whole session, which
        # then expires: so name it three times (measured: 1 of 20 restarts, then none of 39).
        servers = address.hosts.split(",")
        hosts = ",".join(servers * -(-ATTEMPTS // len(servers)))
        self.client = KazooClient(hosts, timeout=timeout, logger=_kazoo_logger)
        self.client.add_listener(self._on_state)
        try:
            self.client.start(timeout=CONNECT_SECONDS)
        except KazooTimeoutError as error:
            raise CoordinatorLost(
                f"ZooKeeper at {address.hosts} cannot be reached: no answer within {CONNECT_SECONDS:.0f} s. "
                "Is the server running, and are host and port right?"
            ) from error

    def notify(self, event: threading.Event) -> None:
        """Have an event set whenever the connection comes or goes: watches are gone then and must be set again."""
        self._listeners.append(event)

    def check(self) -> None:
        """Raise CoordinatorLost if the session has ended or nobody has answered for too long."""
        if self._expired:
            raise CoordinatorLost(f"the session with ZooKeeper at {self._address.hosts} has expired")
        down = self._down_since
        if down is not None and time.monotonic() - down > self._timeout * 4 / 3:
            raise CoordinatorLost(
                f"ZooKeeper at {self._address.hosts} is lost: no server has answered for "
                f"{time.monotonic() - down:.1f} s (session timeout {self._timeout} s)"
            )

    def call(self, request: Callable[[], IAsyncResult[T]]) -> T:
        """Make a request, again after each broken connection, and return its answer.

        A request whose answer was lost may have been carried out: repeat only what may be done twice.

        Raises:
            CoordinatorLost: as `check`.
            ZookeeperError: the server's refusal.
        """
        while True:
            try:
                return self.answer(request())
            except BROKEN:
                self.check()
                time.sleep(SLICE)

    def answer(self, result: IAsyncResult[T]) -> T:
        """Wait for one answer; raises one of `BROKEN` where the connection broke meanwhile."""
        while True:
            try:
                return result.get(timeout=SLICE)
            except KazooTimeoutError:
                self.check()
            except SessionExpiredError as error:
                raise CoordinatorLost(f"the session with ZooKeeper at {self._address.hosts} has expired") from error

    def exists(self, path: str, watch: Watch | None = None) -> bool:
        """Whether a znode exists; `watch` is called when that changes, or when the connection breaks."""
        return self.call(lambda: self.client.exists_async(path, watch=watch)) is not None

    def get(self, path: str) -> bytes:
        """Return a znode's data."""
        return self.call(lambda: self.client.get_async(path))[0]

    def children(self, path: str) -> list[str]:
        """Return the names of a znode's children."""
        return self.call(lambda: self.client.get_children_async(path))

    def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False, makepath: bool = False) -> None:
        """Create a znode, with the path to it if `makepath`."""
        self.call(lambda: self.client.create_async(path, data, ephemeral=ephemeral, makepath=makepath))

    def create_all(self, nodes: Mapping[str, bytes], ephemeral: Collection[str] = ()) -> None:
        """Create several znodes, all or none; parents come before children.

        Raises:
            NodeExistsError: the first one exists.
            CoordinatorLost: a refusal of another kind.
        """
        transaction = self.client.transaction()
        for path, data in nodes.items():
            transaction.create(path, data, ephemeral=path in ephemeral)
        answers = self.call(transaction.commit_async)
        if isinstance(answers[0], NodeExistsError):
            raise answers[0]
        refused = [answer for answer in answers if isinstance(answer, ZookeeperError)]
        if refused:
            raise CoordinatorLost(
                f"ZooKeeper at {self._address.hosts} refused to create {next(iter(nodes))}: {refused}"
            )

    def delete(self, path: str) -> None:
        """Remove a znode."""
        self.call(lambda: self.client.delete_async(path))

    def close(self) -> None:
        """End the session: its ephemeral znodes vanish at once. Never raises for a service that is gone."""
        with contextlib.suppress(KazooTimeoutError, *BROKEN):
            self.client.stop()
        self.client.close()

    def _on_state(self, state: str) -> None:
        # Runs in kazoo's thread: note it and return.
        if state == KazooState.CONNECTED:
            self._down_since = None
        elif self._down_since is None:
            self._down_since = time.monotonic()
        if state == KazooState.LOST:
            self._expired = True
        for event in self._listeners:
            event.set()
