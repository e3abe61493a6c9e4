"""A process's end of all connections: one thread that accepts, reads, and notices silence."""

import contextlib
import functools
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..errors import BSPError, LinkLost
from ..placement import Placement
from .blame import Blame
from .dialing import Address, dial
from .door import Door
from .frames import ACK, BEAT, GOODBYE, Header, ProtocolError, pack
from .handshake import Identity
from .incoming import ConnectionEnded, Incoming, Memory
from .outgoing import SLICE, Buffer, Outgoing
from .settings import TCP

logger = logging.getLogger("horn.bsp")

HANDSHAKE_SECONDS = 5.0


class Hub:
    """The connections of one process of a job.

    Args:
        identity: this process.
        placement: which peers live where.
        settings: where to listen, and for how long to be patient.
        deliver: called with the sending process, a frame and what follows it, by the I/O thread; may raise
            ProtocolError, and must not wait.
        check: raises what ended the job.
        on_lost: called once, from any thread, when a connection is lost.

    Attributes:
        address: where this process listens.

    Raises:
        BSPError: it cannot listen there.
    """

    def __init__(
        self,
        identity: Identity,
        placement: Placement,
        settings: TCP,
        *,
        deliver: Callable[[int, Header, Memory], None],
        check: Callable[[], None],
        on_lost: Callable[[BSPError], None],
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._deliver = deliver
        self._check_job = check
        self._on_lost = on_lost
        self._outgoing: dict[int, Outgoing] = {}
        self._incoming: dict[int, Incoming] = {}
        self._full: set[int] = set()
        self._failure: BSPError | None = None
        self._mutex = threading.Lock()
        self._changed = threading.Condition()
        self._parting = False
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._patience = min(HANDSHAKE_SECONDS, settings.link_timeout)
        self._door = Door(
            identity,
            placement.processes,
            settings,
            self._patience,
            self._selector,
            self._incoming.__contains__,
            self._admit,
        )
        self.address = self._door.address
        self._blame = Blame(placement, identity.process, self.address)
        self._bell, self._rung = socket.socketpair()
        for end in (self._bell, self._rung):
            end.setblocking(False)
        self._selector.register(self._rung, selectors.EVENT_READ, self._obey)
        self._thread = threading.Thread(target=self._run, name="links", daemon=True)
        self._thread.start()

    # For the threads of peers

    def connect(self, addresses: Mapping[int, Address]) -> None:
        """Connect to other processes, and wait until they have connected to this one.

        Raises:
            LinkLost: one of them cannot be reached, or refuses us, or does not come.
        """
        settings, patience = self._settings, self._patience
        for process, address in sorted(addresses.items()):
            try:
                connection = dial(address, self._identity, process, settings.tls, patience, self.check)
            except LinkLost as error:
                raise self._blame.unreachable(process, error) from error
            self._blame.addresses[process] = address
            self._outgoing[process] = Outgoing(
                connection,
                settings.link_timeout,
                self.check,
                functools.partial(self._lose, process),
                functools.partial(self._wake, process),
            )
        self._ring()  # what came meanwhile is to be acknowledged
        self._await(lambda: self._incoming.keys() >= addresses.keys(), patience)
        for process in addresses:
            if process not in self._incoming:
                raise self._blame.incoming(process, f"was not opened within {patience:g} s")

    def send(self, process: int, header: Header, parts: Sequence[Buffer]) -> int:
        """Send a message to a process; see `Outgoing.send`."""
        return self._outgoing[process].send(pack(self._identity.attempt, header), parts, header.size)

    def push(self, processes: Iterable[int]) -> None:
        """Send what waits for company."""
        for process in processes:
            self._outgoing[process].push()

    def settle(self, numbers: Mapping[int, int]) -> None:
        """Wait until each of these processes has received so many messages."""
        self.push(numbers)
        for process, number in numbers.items():
            self._outgoing[process].await_acknowledgement(number)

    def say(self, process: int, header: Header, content: bytes = b"") -> None:
        """Tell a process something besides the messages, without waiting."""
        self._outgoing[process].say(pack(self._identity.attempt, header) + content)

    def check(self) -> None:
        """Raise what ended the job, or LinkLost."""
        self._check_job()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Say goodbye, wait for that of the others, a moment at most, and end all."""
        with contextlib.suppress(BSPError):  # the job has ended: nobody says goodbye any more
            self.check()
            self._parting = True
            for process in self._outgoing:
                self.say(process, Header(GOODBYE))
            self._await(lambda: all(link.parted for link in list(self._incoming.values())), HANDSHAKE_SECONDS)
        self._closing = True
        self._ring()
        self._thread.join()

    def _await(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition() and time.monotonic() < deadline:
                self._changed.wait(SLICE)
                self.check()

    def _wake(self, process: int) -> None:
        self._full.add(process)
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full of rings already, or closed
            self._bell.send(b"\0")

    def _lose(self, process: int, reason: str) -> None:
        """The connection to a process cannot be written to. Whoever leaves does not mind."""
        link = self._incoming.get(process)
        if not self._parting and (link is None or not link.parted):
            raise self._note(self._blame.outgoing(process, reason))

    def _note(self, error: BSPError) -> BSPError:
        """Keep the first failure, and have it announced."""
        with self._mutex:
            first, self._failure = self._failure is None, self._failure or error
        if first:
            self._on_lost(error)
        with self._changed:
            self._changed.notify_all()
        return error

    # In the I/O thread

    def _run(self) -> None:
        interval = self._settings.link_timeout / 4
        beat = time.monotonic() + interval
        try:
            while not self._closing:
                busy = [link for link in list(self._incoming.values()) if link.pending]
                for key, events in self._selector.select(0 if busy else max(0.0, self._next_look(beat))):
                    key.data(key.fileobj, events)
                for link in busy:
                    self._read(link)
                now = time.monotonic()
                self._door.refuse_late()
                if now >= beat:
                    # Where this thread itself has been held up, nobody can be blamed for silence.
                    self._look(now, held_up=now - beat > interval)
                    beat = now + interval
        except BSPError as error:  # no space for what has come
            self._note(error)
        except Exception as error:  # whatever it is, the peers must not wait for a thread that is gone
            self._note(BSPError(f"the connections of process {self._identity.process} failed: {error!r}"))
            logger.exception("the connections failed")
        finally:
            self._end()

    def _next_look(self, beat: float) -> float:
        deadline = self._door.deadline
        return (beat if deadline is None else min(beat, deadline)) - time.monotonic()

    def _admit(self, process: int, connection: socket.socket) -> None:
        link = Incoming(connection, process, self._identity.attempt, self._settings.largest, self._heed)
        self._selector.modify(connection, selectors.EVENT_READ, lambda *_: self._read(link))
        with self._changed:
            self._incoming[process] = link
            self._changed.notify_all()

    def _read(self, link: Incoming) -> None:
        if link.connection.fileno() < 0:  # closed by what came before in the same round
            return
        try:
            link.read()
        except ProtocolError as error:
            self._drop(link, str(error))
        except ConnectionEnded:
            self._drop(link, "broke: it was closed")
        except OSError as error:
            self._drop(link, f"broke: {error.strerror or error}")
        self._acknowledge(link)

    def _acknowledge(self, link: Incoming) -> None:
        if link.messages != link.acknowledged and link.process in self._outgoing:
            link.acknowledged = link.messages
            self._tell(link.process, Header(ACK, epoch=link.messages))

    def _drop(self, link: Incoming, reason: str) -> None:
        self._selector.unregister(link.connection)
        link.connection.close()
        if self._parting or link.parted:
            with self._changed:
                link.parted = True
                self._changed.notify_all()
        else:
            self._note(self._blame.incoming(link.process, reason))

    def _heed(self, link: Incoming, header: Header, memory: Memory) -> None:
        if header.kind == GOODBYE:
            with self._changed:
                link.parted = True
                self._changed.notify_all()
        elif header.kind == ACK:
            outgoing = self._outgoing.get(link.process)
            if outgoing is None or not outgoing.acknowledge(header.epoch):
                raise ProtocolError(f"acknowledged {header.epoch} messages, which cannot be")
        elif header.kind != BEAT:
            with contextlib.suppress(LinkLost):  # an answer cannot be sent: it has been noted and announced
                self._deliver(link.process, header, memory)

    def _tell(self, process: int, header: Header) -> None:
        with contextlib.suppress(LinkLost):  # it has been noted and announced
            self.say(process, header)

    def _look(self, now: float, held_up: bool) -> None:
        """Tell the others that this process lives, and see who has been silent for too long."""
        for process in list(self._outgoing):
            self._tell(process, Header(BEAT))
        for link in list(self._incoming.values()):
            silence = now - link.heard
            if held_up:
                link.heard = now
            elif silence > self._settings.link_timeout and not link.parted and link.connection.fileno() >= 0:
                self._drop(link, f"was silent for {silence:.1f} s")

    def _obey(self, rung: socket.socket, _: int) -> None:
        with contextlib.suppress(BlockingIOError):
            rung.recv(4096)
        for link in self._incoming.values():
            self._acknowledge(link)
        while self._full:
            process = self._full.pop()
            connection = self._outgoing[process].connection
            if connection.fileno() >= 0 and connection not in self._selector.get_map():
                self._selector.register(connection, selectors.EVENT_WRITE, lambda *_, p=process: self._flush(p))

    def _flush(self, process: int) -> None:
        self._selector.unregister(self._outgoing[process].connection)
        with contextlib.suppress(LinkLost):
            self._outgoing[process].flush()

    def _end(self) -> None:
        for link in self._incoming.values():
            link.connection.close()
        for outgoing in self._outgoing.values():
            outgoing.connection.close()
        self._door.close()
        self._bell.close()
        self._rung.close()
        self._selector.close()
