"""The guard of a process: a thread that runs its `Participant`, the machine that knows what follows from what.

Watches, the connection's coming and going, and the requests of the process itself are events in a queue. The guard
feeds them to the machine in order and carries out what that says.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import NoReturn

from kazoo.client import TransactionRequest
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError, ZookeeperError
from kazoo.protocol.states import WatchedEvent

from ..errors import BSPError, CoordinatorLost
from ..machine import Cause, Declare, End, Look, Participant, Resign, Sight
from ..machine.participant import Action
from ..placement import Placement
from .layout import JobLayout
from .session import BROKEN, SLICE, Session

logger = logging.getLogger("horn.bsp")

_REASON_LIMIT = 10_000
Event = Callable[[], "list[Action] | None"]


class Guard:
    """Watches over a process's membership, from the start of its session.

    Args:
        session: the process's session.
        layout: the paths of its attempt.
        placement: which peers live in which process.
        rank: this process.
        on_end: called once, in the guard's thread, when the attempt has ended other than by `leave`.
    """

    def __init__(
        self,
        session: Session,
        layout: JobLayout,
        placement: Placement,
        rank: int,
        on_end: Callable[[BSPError], None] | None,
    ) -> None:
        self._session = session
        self._layout = layout
        self._rank = rank
        self._on_end = on_end
        self._version: int | None = None
        self._ended: BSPError | None = None
        self._leaving = False
        self._declared, self._over = threading.Event(), threading.Event()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._machine = Participant(
            placement,
            rank,
            layout.attempt,
            f"ZooKeeper at {session.settings.servers}",
            session.settings.session_timeout,
            time.monotonic(),
        )
        session.listen(self._on_state)
        self._on_state()  # which it may have told before we listened
        self._thread = threading.Thread(target=self._run, name="zookeeper guard", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the attempt, if it has ended."""
        if self._ended is not None:
            raise self._ended

    def version(self) -> int:
        """Return that of the attempt's number: a transaction that checks it is refused when there is another attempt.

        Raises:
            BadVersionError, NoNodeError: there is another attempt already, or none.
        """
        if self._version is None:
            data, stat = self._session.get_latest(self._layout.current)
            if int(data) != self._layout.attempt:
                raise BadVersionError
            self._version = stat.version
        return self._version

    def joined(self) -> None:
        """The process is a member."""
        self._events.put(lambda: self._machine.joined(time.monotonic()))

    def assembled(self) -> None:
        """All processes are members."""
        self._events.put(self._machine.assembled)

    def explain(self, path: str) -> NoReturn:
        """Raise why a znode is not there that should be: there is another attempt, or the service has forgotten us."""
        self._events.put(lambda: self._machine.vanished(path))
        self._await(self._over)
        self.check()
        raise CoordinatorLost(f"there is no {path}, and this process has left")

    def abort(self, reason: str, ranks: Iterable[int]) -> None:
        """End the attempt for everybody, and return when that is known there. Raises CoordinatorLost."""
        reason, those = reason[:_REASON_LIMIT], tuple(ranks)
        self._events.put(lambda: self._machine.abort(reason, those))
        self._await(self._declared)
        if isinstance(self._ended, CoordinatorLost):
            raise self._ended

    def leave(self) -> None:
        """Leave in good order where that is still possible, and end the thread."""
        self._leaving = True
        self._events.put(self._machine.leave)
        self._await(self._over)
        self._over.set()
        self._thread.join()

    def _await(self, event: threading.Event) -> None:
        # The machine ends when it hears nothing from the servers, and with that every wait for it.
        while not event.wait(SLICE) and not self._over.is_set():
            pass

    # The thread

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                event = self._events.get(timeout=SLICE)
            except queue.Empty:
                actions = self._machine.tick(time.monotonic())
            else:
                actions = event() or []
            for action in actions:
                self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        try:
            match action:
                case Look(neighbour):
                    self._look(neighbour)
                case Declare(cause):
                    self._declare(cause)
                case Resign():
                    self._resign()
                case End(cause):
                    self._end(cause.error())
        except (NoNodeError, BadVersionError):
            self._events.put(lambda: self._machine.vanished(self._layout.current))
        except BROKEN:
            # The machine asks again when there is a connection. Where it has survived, that is now.
            if self._session.connected:
                time.sleep(SLICE)
                self._on_state()
        except CoordinatorLost as error:
            logger.debug(
                "the guard has lost the service: %s", error
            )  # the machine comes to the same with its next tick
        except BSPError as error:
            self._end(error)
        except (ZookeeperError, ValueError) as error:
            self._end(CoordinatorLost(f"what ZooKeeper answers cannot be: {error!r}"))

    def _look(self, neighbour: int | None) -> None:
        client, layout, answer = self._session.client, self._layout, self._session.answer
        neighbours = []
        if neighbour is not None:
            member, left = layout.member(neighbour), layout.left(neighbour)
            neighbours = [client.exists_async(member, watch=self._on_stir), client.exists_async(left)]
        aborted = client.exists_async(layout.abort, watch=self._on_stir)
        current = client.get_async(layout.current, watch=self._on_stir)
        present, gone = (answer(one) is not None for one in neighbours) if neighbours else (False, False)
        cause: Cause | None = None
        if answer(aborted) is not None:
            with contextlib.suppress(NoNodeError):  # a later attempt has removed it, whose number is seen below
                cause = _parse(answer(client.get_async(layout.abort))[0])
        attempt: int | None
        try:
            attempt = int(answer(current)[0])
        except NoNodeError:
            attempt = None
        self._events.put(lambda: self._machine.saw(Sight(neighbour, present, gone, cause, attempt)))

    def _declare(self, cause: Cause) -> None:
        def fill(transaction: TransactionRequest) -> None:
            transaction.check(self._layout.current, self.version())
            transaction.create(self._layout.abort, json.dumps([cause.kind, cause.reason, cause.ranks]).encode())

        with contextlib.suppress(NodeExistsError):
            self._session.commit(fill)
        self._declared.set()
        self._events.put(self._machine.declared)

    def _resign(self) -> None:
        def fill(transaction: TransactionRequest) -> None:
            transaction.create(self._layout.left(self._rank))
            transaction.delete(self._layout.member(self._rank))

        with contextlib.suppress(NodeExistsError, NoNodeError):
            self._session.commit(fill)
        self._machine.left()
        self._over.set()

    def _end(self, error: BSPError) -> None:
        self._ended = error
        self._over.set()
        if self._leaving:
            logger.warning("process %d could not sign off from ZooKeeper: %s", self._rank, error)
        elif self._on_end is not None:
            self._on_end(error)

    # In kazoo's threads

    def _on_stir(self, event: WatchedEvent) -> None:
        self._events.put(self._machine.stirred)

    def _on_state(self) -> None:
        now, down_since = time.monotonic(), self._session.down_since
        if self._session.expired:
            self._events.put(self._machine.expired)
        elif down_since is None:
            self._events.put(lambda: self._machine.connected(now))
        else:
            self._events.put(lambda: self._machine.suspended(down_since))


def _parse(data: bytes) -> Cause:
    match json.loads(data):
        case [str() as kind, str() as reason, list() as ranks]:
            return Cause(kind, reason, tuple(int(rank) for rank in ranks))
    raise ValueError(f"an abort of {data!r}")
