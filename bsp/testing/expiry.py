"""The expiry of a client's session by force, as after a long absence."""

import contextlib

from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError

_CONNECT_SECONDS = 10.0
_SUPER_SECRET = 0xB3415C00  # of ZooKeeper's SessionTracker: no secret at all


def expire(address: str, session_id: int, password: bytes | None = None) -> None:
    """End a session from outside: its client sees it as expired, its ephemeral znodes vanish at once.

    Args:
        address: the servers, without TLS.
        session_id: of the session, for instance the owner of an ephemeral znode.
        password: of the session; by default the one that ZooKeeper derives from the number.

    Raises:
        RuntimeError: no server answers within 10 s, or none knows this session with this password.
    """
    twin = KazooClient(address, client_id=(session_id, password or _password(session_id)))
    with contextlib.closing(twin):
        try:
            twin.start(timeout=_CONNECT_SECONDS)
        except KazooTimeoutError as error:
            raise RuntimeError(f"ZooKeeper at {address} does not answer within {_CONNECT_SECONDS:.0f} s") from error
        found = twin.client_id
        twin.stop()
    if found is None or found[0] != session_id:
        raise RuntimeError(f"ZooKeeper at {address} knows no session {session_id:#x} with this password")


def _password(session_id: int) -> bytes:
    """Draw the password as the server does: 16 bytes of java.util.Random, seeded with the session's number."""
    state = (session_id ^ _SUPER_SECRET ^ 0x5DEECE66D) % 2**48
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) % 2**48
        password += (state >> 16).to_bytes(4, "little")
    return password
