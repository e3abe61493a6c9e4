"""Encrypted connections to ZooKeeper.

kazoo's own lose a socket at each refused handshake, and do not see an answer that the TLS layer has already taken in
with the one before it.
"""

import socket
import ssl
from collections.abc import Sequence
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler

from .settings import TLS


class EncryptedConnections(SequentialThreadingHandler):
    """Makes kazoo's connections.

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
        """Wait until one can be read: also one whose bytes have been decrypted already."""
        ready = [reader for reader in readers if isinstance(reader, ssl.SSLSocket) and reader.pending()]
        return (ready, [], []) if ready else super().select(readers, *others)
