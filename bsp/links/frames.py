"""What travels on a connection, once both ends have proved who they are: a header of fixed size, and raw bytes.

    magic, version, kind, lane, attempt, group, epoch, sender, receiver, size of what follows, check of all this

The header has a checksum, so that two ends that have lost step with each other notice.
"""

import struct
import zlib
from typing import NamedTuple

MAGIC, VERSION = 0x4842, 1
DATA, POST, ACK, SIGNAL, TAKEN, FINISHED, BEAT, GOODBYE = range(8)
MESSAGES = (DATA, POST, FINISHED)
"""The kinds that are counted and acknowledged, and that may be large."""
_FIELDS = struct.Struct("<HBBB3xIIqiiQ")
_CHECK = struct.Struct("<I")
SIZE = _FIELDS.size + _CHECK.size
SIGNAL_LIMIT = 1 << 16
"""Bytes that a frame may carry that is no message."""


class ProtocolError(Exception):
    """The other end said what it cannot mean; the text says what."""


class Header(NamedTuple):
    """A frame's header.

    Attributes:
        kind: a message of a superstep (DATA) or outside of one (POST), or what is said besides.
        size: bytes that follow it.
        group: the receiver's number of the group.
        lane: which of the group's lanes.
        epoch: of the lane; a barrier's generation; the number of frames that are acknowledged.
        sender, receiver: members of the group, or peers of the job; a signal's round is in `receiver`.
    """

    kind: int
    size: int = 0
    group: int = 0
    lane: int = 0
    epoch: int = 0
    sender: int = 0
    receiver: int = 0


def pack(attempt: int, header: Header) -> bytes:
    """Return a header's bytes."""
    kind, size, group, lane, epoch, sender, receiver = header
    fields = _FIELDS.pack(MAGIC, VERSION, kind, lane, attempt, group, epoch, sender, receiver, size)
    return fields + _CHECK.pack(zlib.crc32(fields))


def unpack(attempt: int, data: memoryview, largest: int) -> Header:
    """Read a header.

    Args:
        attempt: the job's.
        data: `SIZE` bytes.
        largest: bytes that a message may have.

    Raises:
        ProtocolError: it is none, or of another attempt, or announces too much.
    """
    magic, version, kind, lane, theirs, group, epoch, sender, receiver, size = _FIELDS.unpack_from(data)
    if (magic, version) != (MAGIC, VERSION) or _CHECK.unpack_from(data, _FIELDS.size)[0] != zlib.crc32(
        data[: _FIELDS.size]
    ):
        raise ProtocolError(f"sent {bytes(data[:8])!r}... where a frame should begin")
    if kind > GOODBYE:
        raise ProtocolError(f"sent a frame of the unknown kind {kind}")
    if theirs != attempt:
        raise ProtocolError(f"sent a frame of attempt {theirs}; this is attempt {attempt}")
    limit = largest if kind in MESSAGES else SIGNAL_LIMIT
    if size > limit:
        raise ProtocolError(f"announced a frame of {size} bytes; {limit} are allowed")
    return Header(kind, size, group, lane, epoch, sender, receiver)
