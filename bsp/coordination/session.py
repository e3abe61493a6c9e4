"""A session with ZooKeeper in which nothing waits for ever.

kazoo's calls block while no server answers, and its LOST comes only from a server. So every answer is awaited in
slices, and a clock of our own declares the service lost when there is no connection and nothing was heard for 4/3 of
the session's timeout: by then the servers have declared us dead, or nobody is there to do so.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kazoo.client import KazooClient, TransactionRequest
from kazoo.exceptions import (
    ConnectionClosedError,
    ConnectionLoss,
    NoAuthError,
    OperationTimeoutError,
    RolledBackError,
    RuntimeInconsistency,
    SessionExpiredError,
    ZookeeperError,
)
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.interfaces import IAsyncResult
from kazoo.protocol.states import KazooState, WatchedEvent, ZnodeStat
from kazoo.security import make_digest_acl

from ..errors import BSPError, CoordinatorLost
from ..machine.participant import GRACE
from .connections import Connections, EncryptedConnections
from .settings import ZooKeeper

T = TypeVar("T")
Watch = Callable[[WatchedEvent], object]
CONNECT_SECONDS = 5.0
SLICE = 0.05
ATTEMPTS = 3
"""Attempts to connect again that a session's timeout has room for, at the least."""
BROKEN = (ConnectionLoss, ConnectionClosedError, OperationTimeoutError)
"""What a request meets whose connection breaks: it may have been carried out, or not."""
_CONSEQUENCES = (RolledBackError, RuntimeInconsistency)
"""What the operations of a transaction answer that were refused because of another one."""


class Session:
    """A connected session.

    Args:
        settings: the service. With `auth`, all znodes that the session creates are its user's alone.

    Attributes:
        down_since: when a server was heard of last, while there is no connection; else None.

    Raises:
        CoordinatorLost: no server answered within 5 s.
    """

    def __init__(self, settings: ZooKeeper) -> None:
        self.settings = settings
        self._timeout = settings.session_timeout
        self.down_since: float | None = time.monotonic()
        self._expired = False
        self._listeners: list[Callable[[], object]] = []
        self._troubles = _Troubles("horn.bsp.kazoo", logging.WARNING)
        self._connections = Connections() if settings.tls is None else EncryptedConnections(settings.tls)
        self.client = self._new_client()
        self.client.add_listener(self._on_state)
        try:
            self.client.start(timeout=CONNECT_SECONDS)
        except KazooTimeoutError as error:
            raise CoordinatorLost(
                f"ZooKeeper at {settings.servers} cannot be reached: no answer within {CONNECT_SECONDS:.0f} s "
                f"({self._troubles.last}). Is the server running, are host and port right, and is "
                f"{'TLS spoken there' if settings.tls else 'no TLS asked for there'}?"
            ) from error

    def _new_client(self) -> KazooClient:
        settings = self.settings
        # A server that is still starting may leave a handshake unanswered, and kazoo waits for the answer as long as
        # the session's timeout, divided by the number of hosts. With a lone server that is the whole session, which
        # then expires: so name it three times (measured: 1 of 20 restarts, then none of 39).
        servers = settings.servers.split(",")
        options: dict[str, Any] = {}
        if settings.auth is not None:
            options["auth_data"] = [("digest", ":".join(settings.auth))]
            options["default_acl"] = [make_digest_acl(*settings.auth, all=True)]
        return KazooClient(
            ",".join(servers * -(-ATTEMPTS // len(servers))),
            timeout=settings.session_timeout,
            logger=self._troubles,
            handler=self._connections,
            **options,
        )

    @property
    def id(self) -> int:
        """The session's number, by which the servers note whose an ephemeral znode is."""
        found = self.client.client_id
        if found is None:
            raise CoordinatorLost(f"the session with ZooKeeper at {self.settings.servers} has been closed")
        return found[0]

    def listen(self, listener: Callable[[], object]) -> None:
        """Have a function called, in kazoo's thread, whenever the connection comes or goes: watches are gone then."""
        self._listeners = [*self._listeners, listener]

    def unlisten(self, listener: Callable[[], object]) -> None:
        """Have it called no more."""
        self._listeners = [other for other in self._listeners if other != listener]

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self.down_since is None

    @property
    def expired(self) -> bool:
        """Whether the servers have ended the session."""
        return self._expired

    def check(self) -> None:
        """Raise CoordinatorLost if the session has ended or nobody has answered for too long."""
        if self._expired:
            raise self._expiry()
        down = self.down_since
        if down is not None and time.monotonic() - down > self._timeout * GRACE:
            raise CoordinatorLost(
                f"ZooKeeper at {self.settings.servers} is lost: no server has answered for "
                f"{time.monotonic() - down:.1f} s (session timeout {self._timeout} s)"
            )

    def _expiry(self) -> CoordinatorLost:
        return CoordinatorLost(
            f"the session with ZooKeeper at {self.settings.servers} has expired: nothing was heard of this process for "
            f"{self._timeout} s, the session timeout"
        )

    def call(self, request: Callable[[], IAsyncResult[T]], path: str) -> T:
        """Make a request, again after each broken connection, and return its answer.

        A request whose answer was lost may have been carried out: repeat only what may be done twice.

        Args:
            request: makes it.
            path: the znode that it is about, for the error.

        Raises:
            CoordinatorLost: as `check`.
            BSPError: no rights to do that.
            ZookeeperError: the server's refusal for another reason.
        """
        while True:
            try:
                return self.answer(request())
            except NoAuthError as error:
                raise self.no_rights(path) from error
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
                raise self._expiry() from error

    def no_rights(self, path: str) -> BSPError:
        """Return the error that says who lacks which rights where."""
        auth = self.settings.auth
        who, cure = (
            ("anonymous", "give ZooKeeper(auth=(user, password))")
            if auth is None
            else (f"the user {auth[0]!r}", "check the password")
        )
        return BSPError(
            f"no rights at {path} in ZooKeeper at {self.settings.servers} for {who}: Horn must read, write, create and "
            f"delete there. {cure[0].upper()}{cure[1:]}, or name a path of your own at the end of the hosts, or have "
            "the znode's ACL changed"
        )

    # Requests

    def stat(self, path: str, watch: Watch | None = None) -> ZnodeStat | None:
        """Return a znode's figures, or None; `watch` is called when it changes, or when the connection breaks."""
        return self.call(lambda: self.client.exists_async(path, watch=watch), path)

    def exists(self, path: str, watch: Watch | None = None) -> bool:
        """Whether a znode exists; `watch` as above."""
        return self.stat(path, watch) is not None

    def get(self, path: str) -> bytes:
        """Return a znode's data."""
        return self.call(lambda: self.client.get_async(path), path)[0]

    def get_latest(self, path: str) -> tuple[bytes, ZnodeStat]:
        """Return a znode's data and figures with all that was written before, also where our server lags behind."""

        def request() -> IAsyncResult[tuple[bytes, ZnodeStat]]:
            self.client.sync_async(path)
            return self.client.get_async(path)

        return self.call(request, path)

    def children(self, path: str) -> list[str]:
        """Return the names of a znode's children."""
        return self.call(lambda: self.client.get_children_async(path), path)

    def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False, makepath: bool = False) -> None:
        """Create a znode, with the path to it if `makepath`."""
        self.call(lambda: self.client.create_async(path, data, ephemeral=ephemeral, makepath=makepath), path)

    def delete(self, path: str) -> None:
        """Remove a znode."""
        self.call(lambda: self.client.delete_async(path), path)

    def open_to_all(self, path: str) -> bool:
        """Whether anybody may add or remove what lies below a znode."""
        acls, _ = self.call(lambda: self.client.get_acls_async(path), path)
        return any(acl.id.scheme == "world" and {"ALL", "CREATE", "DELETE"} & set(acl.acl_list) for acl in acls)

    def commit(self, fill: Callable[[TransactionRequest], object]) -> None:
        """Carry out several operations, all or none.

        Args:
            fill: adds them; called again where the connection broke meanwhile.

        Raises:
            CoordinatorLost: as `check`.
            BSPError: no rights to do that.
            ZookeeperError: the refusal of the first operation that was refused for a reason of its own.
        """
        transaction = self.client.transaction()

        def request() -> IAsyncResult[list[Any]]:
            nonlocal transaction
            transaction = self.client.transaction()
            fill(transaction)
            return transaction.commit_async()

        answers = self.call(request, "")
        self._look_for_refusal(transaction, answers)

    def committed(self, transaction: TransactionRequest, result: IAsyncResult[Any]) -> None:
        """Wait for a transaction's answer; raises one of `BROKEN` where the connection broke, or as `commit`."""
        self._look_for_refusal(transaction, self.answer(result))

    def _look_for_refusal(self, transaction: TransactionRequest, answers: Sequence[Any]) -> None:
        for operation, answer in zip(transaction.operations, answers, strict=True):
            if isinstance(answer, NoAuthError):
                raise self.no_rights(operation.path) from answer
            if isinstance(answer, ZookeeperError) and not isinstance(answer, _CONSEQUENCES):
                raise answer

    def close(self) -> None:
        """End the session: its ephemeral znodes vanish at once. Never raises for a service that is gone."""
        with contextlib.suppress(KazooTimeoutError, *BROKEN):
            self.client.stop()
        self.client.close()

    def _on_state(self, state: str) -> None:
        # Runs in kazoo's thread: note it and return.
        if state == KazooState.CONNECTED:
            self.down_since = None
        elif self.down_since is None:
            self.down_since = self._connections.heard
        if state == KazooState.LOST:
            self._expired = True
        for listener in self._listeners:
            listener()


class _Troubles(logging.Logger):
    """Keeps why kazoo's last attempt to connect failed. Its lesser messages may hold passwords and go nowhere."""

    last = "nor was a connection refused"

    def handle(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("Connection"):
            self.last = record.getMessage()
