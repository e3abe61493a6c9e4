"""The expiry of a client's session by force, as after a long absence."""

import contextlib
import socket
import struct
import time

_ANSWER_SECONDS = 10.0
_RETRY_SECONDS = 0.02
_SUPER_SECRET = 0xB3415C00  # of ZooKeeper's SessionTracker: no secret at all
_CONNECT = struct.Struct(">iqiqi16s?")  # protocol, last transaction seen, timeout in ms, session, password, read only
_CONNECTED = struct.Struct(">iii")  # length, protocol, timeout: 0 where there is no such session
_CLOSE = struct.pack(">iii", 8, 1, -11)  # length, the request's number, its type
_TIMEOUT_MS = 1000


def expire(address: str, session_id: int, password: bytes | None = None) -> None:
    """End a session from outside: its client sees it as expired, its ephemeral znodes vanish at once.

    Args:
        address: the servers, without TLS; the first is asked.
        session_id: of the session, for instance the owner of an ephemeral znode.
        password: of the session; by default the one that ZooKeeper derives from the number.

    Raises:
        RuntimeError: no server answers within 10 s, or none knows this session with this password.
    """
    taken = False
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            answer = _take_over_and_close(address, session_id, password or _password(session_id))
            if len(answer) >= _CONNECTED.size:
                length, _, timeout = _CONNECTED.unpack_from(answer)
                if timeout == 0 and not taken:
                    raise RuntimeError(f"ZooKeeper at {address} knows no session {session_id:#x} with this password")
                taken = True
                if timeout == 0 or len(answer) > 4 + length:
                    return
        time.sleep(_RETRY_SECONDS)
    raise RuntimeError(f"ZooKeeper at {address} does not answer within {_ANSWER_SECONDS:.0f} s")


def _take_over_and_close(address: str, session_id: int, password: bytes) -> bytes:
    """Connect as the session's client and end it; return all that is answered.

    Both requests are sent at once: the client, whose connection breaks, comes to take its session back.
    """
    host, _, port = address.split(",")[0].rpartition(":")
    connect = _CONNECT.pack(0, 0, _TIMEOUT_MS, session_id, len(password), password, False)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS) as connection:
        connection.sendall(len(connect).to_bytes(4, "big") + connect + _CLOSE)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # an end as good as any
            while more := connection.recv(4096):
                answer += more
        return answer


def _password(session_id: int) -> bytes:
    """Draw the password as the server does: 16 bytes of java.util.Random, seeded with the session's number."""
    state = (session_id ^ _SUPER_SECRET ^ 0x5DEECE66D) % 2**48
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) % 2**48
        password += (state >> 16).to_bytes(4, "little")
    return password
