"""A TCP proxy that makes the faults of a network: it cuts, swallows, delays and truncates connections.

One thread serves all connections. None of their sockets blocks, so that no end can hold the others, or the proxy, up.
"""

import contextlib
import math
import queue
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .faults import DOWN, UP, Faults, Faulty
from .stream import Outcome, Stream

_ANSWER_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)

Change = Callable[[Faults], Faults]
_Order = Callable[[], None]


class Link(Faulty):
    """One connection through a proxy."""

    def __init__(
        self, client: socket.socket, server: socket.socket, faults: Faults, command: Callable[[_Order], None]
    ) -> None:
        self.sockets = (client, server)
        self._up, self._down = Stream(client, server, UP), Stream(server, client, DOWN)
        self._faults = faults
        self._command = command
        self._broken = False

    @property
    def broken(self) -> bool:
        """Whether it is to be reset."""
        return self._broken or self._faults.cut

    @property
    def over(self) -> bool:
        """Whether nothing can pass any more."""
        return self.broken or (self._up.over and self._down.over)

    @property
    def due(self) -> float:
        """When the next bytes are to be written; infinite if there are none."""
        return min(self._up.due(self._faults), self._down.due(self._faults))

    def apply(self, change: Change) -> None:
        """Change the faults, in the proxy's thread."""
        self._faults = change(self._faults)

    def advance(self, now: float) -> None:
        """Read what can be read and write what is due."""
        for stream, back in ((self._up, self._down), (self._down, self._up)):
            if stream.hungry:
                stream.read(self._faults, now)
            try:
                outcome = stream.write(self._faults, now)
                if outcome is Outcome.LIMIT:
                    self._end()
            except OSError:
                stream.discard()
                back.break_off(self._faults, now)
            else:
                self._broken = self._broken or outcome is Outcome.BROKEN

    def _end(self) -> None:
        for stream in (self._up, self._down):
            stream.discard()
            with contextlib.suppress(OSError):  # it has gone by itself
                stream.sink.shutdown(socket.SHUT_WR)

    def events(self, end: socket.socket, now: float) -> int:
        """Return for which events of one of its sockets it waits."""
        into, out = (self._up, self._down) if end is self._up.source else (self._down, self._up)
        blocked = out.due(self._faults) <= now
        return (selectors.EVENT_READ if into.hungry else 0) | (selectors.EVENT_WRITE if blocked else 0)

    def _change(self, change: Change) -> None:
        self._command(lambda: self.apply(change))


class TCPProxy(Faulty):
    """Listens on a free port of 127.0.0.1 and forwards to a server: a context manager.

    What is done to the proxy is done to all its connections, those to come included, until `heal`; what is done to one
    of `links`, to that connection.

    Args:
        host, port: the server; it need not run yet.

    Attributes:
        port: where the proxy listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._faults = Faults()
        self._links: list[Link] = []
        self._orders: queue.SimpleQueue[tuple[_Order, threading.Event]] = queue.SimpleQueue()
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._bell, self._rung = socket.socketpair()
        self._rung.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._rung, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="TCP proxy", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the proxy listens, as "127.0.0.1:port"."""
        return f"127.0.0.1:{self.port}"

    @property
    def links(self) -> tuple[Link, ...]:
        """The connections that are open now, the oldest first."""
        return tuple(self._links)

    def close(self) -> None:
        """Reset all connections and stop listening."""
        if not self._closing:
            self._command(self._stop)
            self._thread.join(_ANSWER_SECONDS)
            for end in (self._listener, self._bell, self._rung):
                end.close()
            self._selector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _change(self, change: Change) -> None:
        def order() -> None:
            self._faults = change(self._faults)
            for link in self._links:
                link.apply(change)

        self._command(order)

    def _command(self, order: _Order) -> None:
        """Have the thread carry something out, and wait until it has."""
        if self._closing:
            raise RuntimeError("the proxy is closed")
        done = threading.Event()
        self._orders.put((order, done))
        self._bell.send(b"\0")
        if not done.wait(_ANSWER_SECONDS):
            raise RuntimeError(f"the proxy has not answered within {_ANSWER_SECONDS:.0f} s")

    # In the proxy's thread

    def _run(self) -> None:
        while not self._closing:
            now = time.monotonic()
            for link in self._links:
                link.advance(now)
            self._watch(now)
            due = min((link.due for link in self._links), default=math.inf)
            for key, _ in self._selector.select(min(max(due - now, 0.0), _LOOK_SECONDS)):
                if key.fileobj is self._listener:
                    self._accept()
            self._obey()

    def _watch(self, now: float) -> None:
        """Wait for what each connection can do next; drop those that are over."""
        for link in list(self._links):
            for end in link.sockets:
                self._watch_for(end, 0 if link.over else link.events(end, now))
            if link.over:
                self._links.remove(link)
                _close(link)

    def _watch_for(self, end: socket.socket, events: int) -> None:
        watched = end in self._selector.get_map()
        if watched and events:
            self._selector.modify(end, events)
        elif watched:
            self._selector.unregister(end)
        elif events:
            self._selector.register(end, events)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # it has gone again
            return
        server = socket.socket()
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):  # seen when it is read from
            server.connect(self._target)
        self._links.append(Link(client, server, self._faults, self._command))

    def _obey(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._rung.recv(4096)
        done = []
        with contextlib.suppress(queue.Empty):
            while True:
                order, carried_out = self._orders.get_nowait()
                order()
                done.append(carried_out)
        self._watch(time.monotonic())
        for carried_out in done:
            carried_out.set()

    def _stop(self) -> None:
        self._closing = True
        for link in self._links:
            link.apply(lambda _: Faults(cut=True))


def _close(link: Link) -> None:
    for end in link.sockets:
        if link.broken:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        end.close()
