"""How kazoo connects to the servers, and waits for them: noting when one was heard of last, and encrypted if asked for.

kazoo says that a connection is gone when it has noticed, up to 2/3 of a session's timeout after the last answer. Its
own encrypted connections lose a socket at each refused handshake, and do not see an answer that the TLS layer has
already taken in with the one before it.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler

from ..security import TLS


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

    def select(self, readers: Sequence[Any], *others: Any) -> Any:
        """Wait until something can be read or written."""
        found = super().select(readers, *others)
        if any(reader not in self._own for reader in found[0]):
            self.heard = time.monotonic()
        return found


class EncryptedConnections(Connections):
    """Makes encrypted connections.

    Args:
        tls: the files.
    """

    def __init__(self, tls: TLS) -> None:
        super().__init__()
        self._context = tls.context()

    def create_connection(self, address: tuple[str, int], hostname: str, timeout: float, **_: object) -> ssl.SSLSocket:
        """Connect to a server, and make sure who it is; kazoo's further arguments repeat `tls`."""
        plain = socket.create_connection(address, timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._context.wrap_socket(plain, server_hostname=hostname)
        except BaseException:
            plain.close()
            raise

    def select(self, readers: Sequence[Any], *others: Any) -> Any:
        """Wait until something can be read or written: also what has been decrypted already."""
        ready = [reader for reader in readers if isinstance(reader, ssl.SSLSocket) and reader.pending()]
        return (ready, [], []) if ready else super().select(readers, *others)
