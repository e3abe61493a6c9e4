"""Messages with descriptors, over a Unix socket that keeps the borders of messages (SOCK_SEQPACKET)."""

import fcntl
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

#: Longest message, in bytes.
LONGEST = 1 << 16
#: Most descriptors that the kernel takes with one message.
_CHUNK = 250


def send(link: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send plain data, and descriptors, of which the receiver gets copies.

    Raises:
        OSError: the other end is closed, or does not read in time.
    """
    link.send(json.dumps(message | {"descriptors": len(descriptors)}).encode())
    for start in range(0, len(descriptors), _CHUNK):
        socket.send_fds(link, [b"\0"], descriptors[start : start + _CHUNK])


def receive(link: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Take the next message and its descriptors; None where the other end is closed.

    Raises:
        OSError: nothing comes in time.
    """
    try:
        data = link.recv(LONGEST)
    except ConnectionResetError:  # closed, with something unread
        data = b""
    if not data:
        return None
    message = json.loads(data)
    descriptors: list[int] = []
    while len(descriptors) < message["descriptors"]:
        sign, some, _, _ = socket.recv_fds(link, 1, _CHUNK)
        descriptors += some
        if not sign:
            close(descriptors)
            return None
    return message, descriptors


def renumber(descriptors: Sequence[int], numbers: Sequence[int]) -> None:
    """Give descriptors other numbers; what has those numbers is closed, unless it is one of them."""
    above = 1 + max(*descriptors, *numbers)
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for descriptor in descriptors]
    close(descriptors)
    for descriptor, number in zip(moved, numbers, strict=True):
        os.dup2(descriptor, number, inheritable=number <= 2)
    close(moved)


def close(descriptors: Sequence[int]) -> None:
    """Close all of them."""
    for descriptor in descriptors:
        os.close(descriptor)
