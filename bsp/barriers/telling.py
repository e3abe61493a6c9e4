"""What the processes at a barrier tell each other, as bytes: flags, then for each call its code, text and callers."""

import struct

from ..machine.agreement import Told

_HEAD = struct.Struct("<qH")
_CALL = struct.Struct("<qBH")


def pack(told: Told) -> bytes:
    """Return the bytes."""
    flags, calls = told
    parts = [_HEAD.pack(flags, len(calls))]
    for code, text, mask in calls:
        callers = mask.to_bytes(-(-mask.bit_length() // 8), "little")
        parts += [_CALL.pack(code, len(text), len(callers)), text, callers]
    return b"".join(parts)


def unpack(content: bytes) -> object:
    """Return what was told, or None where the bytes tell nothing; it is still to be checked whether it makes sense."""
    if len(content) < _HEAD.size:
        return None
    flags, count = _HEAD.unpack_from(content)
    offset, calls = _HEAD.size, []
    for _ in range(count):
        if len(content) < offset + _CALL.size:
            return None
        code, length, callers = _CALL.unpack_from(content, offset)
        start = offset + _CALL.size
        offset = start + length + callers
        if len(content) < offset:
            return None
        calls.append(
            (code, content[start : start + length], int.from_bytes(content[start + length : offset], "little"))
        )
    return flags, tuple(calls)
