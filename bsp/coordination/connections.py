"""How kazoo connects to the servers, and waits for them: in little time, and noting when one was heard of last.

kazoo says that a connection is gone when it has noticed, up to 2/3 of a session's timeout after the last answer. It
makes a new selector for each wait, of which it has five per request, and two for each of an answer's parts; with one
poll of few system calls, and answers that are taken in as they come, a request costs half the processor's time. And
its own encrypted connections lose a socket at each refused handshake, and do not see an answer that the TLS layer has
already taken in with the one before it.
"""

import select
import socket
import time
from collections.abc import Sequence
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler

from ..security import TLS

_TAKEN_IN = 1 << 16


class Connections(SequentialThreadingHandler):
    """Makes plain connections.

    Attributes:
        heard: when a server sent something last; at first, when this object was made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heard = time.monotonic()
        self._own: tuple[Any, ...] = ()

    def create_socket_pair(self) -> Any:
        """Return what kazoo wakes its own thread with."""
        self._own = super().create_socket_pair()
        return self._own

    def create_connection(self, address: tuple[str, int], hostname: str, timeout: float, **_: object) -> Any:
        """Connect to a server; kazoo's further arguments are about encryption."""
        plain = _connect(address, timeout)
        return _Buffered(plain.family, plain.type, plain.proto, plain.detach())

    def select(
        self, readers: Sequence[Any], writers: Sequence[Any], _: Sequence[Any], timeout: float | None = None
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Wait until something can be read, also what has been taken in already, or written."""
        ready = [reader for reader in readers if reader not in self._own and reader.pending()]
        if ready:
            return ready, [], []
        poll = select.poll()
        for reader in readers:
            poll.register(reader, select.POLLIN)
        for writer in writers:
            poll.register(writer, select.POLLOUT)
        found = {number for number, _ in poll.poll(None if timeout is None else 1000 * timeout)}
        ready = [reader for reader in readers if reader.fileno() in found]
        if any(reader not in self._own for reader in ready):
            self.heard = time.monotonic()
        return ready, [writer for writer in writers if writer.fileno() in found], []

    def dispatch_callback(self, callback: Any) -> None:
        """Tell a watch of its event, in the thread that has read it: no watch of ours waits for anything."""
        callback.func(*callback.args)


class EncryptedConnections(Connections):
    """Makes encrypted connections.

    Args:
        tls: the files.
    """

    def __init__(self, tls: TLS) -> None:
        super().__init__()
        self._context = tls.context()

    def create_connection(self, address: tuple[str, int], hostname: str, timeout: float, **_: object) -> Any:
        """Connect to a server, and make sure who it is; kazoo's further arguments repeat `tls`."""
        plain = _connect(address, timeout)
        try:
            return self._context.wrap_socket(plain, server_hostname=hostname)
        except BaseException:
            plain.close()
            raise


class _Buffered(socket.socket):
    """Takes in what has come, and hands it out in kazoo's small pieces."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._taken = b""
        self._at = 0

    def pending(self) -> int:
        """Return how many bytes can be read without the kernel: kazoo asks, as it does where there is TLS."""
        return len(self._taken) - self._at

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return up to so many bytes."""
        if self._at == len(self._taken):
            self._taken, self._at = super().recv(max(size, _TAKEN_IN), flags), 0
        start, self._at = self._at, min(self._at + size, len(self._taken))
        return self._taken[start : self._at]


def _connect(address: tuple[str, int], timeout: float) -> socket.socket:
    plain = socket.create_connection(address, timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain
