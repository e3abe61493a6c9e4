"""Opening a connection to another process of the job, and proving who we are."""

import socket
import time
from collections.abc import Callable

from ..errors import LinkLost
from ..security import TLS
from . import handshake
from .handshake import Identity, Refused

_PAUSE = 0.02
Address = tuple[str, int]


def dial(
    address: Address, identity: Identity, to: int, tls: TLS | None, seconds: float, check: Callable[[], None]
) -> socket.socket:
    """Return a proved connection, not blocking.

    What breaks off on the way is tried again: the other end gives up the oldest of its applicants when there are many.

    Args:
        address: where the other process listens.
        identity: who we are.
        to: the other process.
        tls: how to encrypt, or None.
        seconds: how long to try.
        check: raises what ended the job.

    Raises:
        LinkLost: nobody answers there, or it is not process `to`, or it refuses us.
    """
    deadline = time.monotonic() + seconds
    while True:
        check()
        try:
            return _dial_once(address, identity, to, tls, max(deadline - time.monotonic(), _PAUSE))
        except Refused as refused:
            raise LinkLost(f"process {to} at {told(address)} is not connected: {refused}") from refused
        except OSError as error:
            if time.monotonic() + _PAUSE > deadline:
                raise LinkLost(
                    f"process {to} cannot be reached at {told(address)} within {seconds:g} s: {error}"
                ) from error
        time.sleep(_PAUSE)


def told(address: Address) -> str:
    """Write an address as people do."""
    return f"{address[0]}:{address[1]}"


def _dial_once(address: Address, identity: Identity, to: int, tls: TLS | None, seconds: float) -> socket.socket:
    connection = socket.create_connection(address, timeout=seconds)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            connection = tls.context().wrap_socket(connection, server_hostname=address[0])
        hello = handshake.greet(identity, to)
        connection.sendall(hello.packed())
        _heed_verdict(connection)
        answered = _receive(connection, handshake.ANSWER_SIZE)
        connection.sendall(handshake.prove(identity, hello, answered))
        _heed_verdict(connection)
    except BaseException:
        connection.close()
        raise
    connection.setblocking(False)
    return connection


def _heed_verdict(connection: socket.socket) -> None:
    verdict = _receive(connection, 1)
    if verdict != handshake.WELCOME:
        raise Refused(handshake.VERDICTS.get(verdict, f"it answered with {verdict!r}"))


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        data = connection.recv(size - len(received))
        if not data:
            raise ConnectionResetError("it hung up")
        received += data
    return received
