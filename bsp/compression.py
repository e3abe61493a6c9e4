"""Compression of encoded values on their way to another process."""

import lzma
import zlib
from typing import NamedTuple, Protocol

from .errors import BSPError

THRESHOLD = 1024
"""Values below this many bytes travel as they are: their headers would outweigh the gain."""


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


class Codec(NamedTuple):
    """A way to compress.

    Attributes:
        number: how frames name it.
        name: how users name it.
    """

    number: int
    name: str

    def compress(self, data: bytearray) -> bytes:
        """Return the data compressed. The fastest level: messages are written once and read once."""
        return zlib.compress(data, 1) if self.name == "zlib" else lzma.compress(data, preset=0)

    def expand(self, data: bytes | memoryview, size: int) -> bytearray:
        """Return the `size` bytes that were compressed. Raises BSPError for anything else: never more than `size`."""
        inflater: _Inflater = zlib.decompressobj() if self.name == "zlib" else lzma.LZMADecompressor()
        try:
            expanded = inflater.decompress(data, size + 1)
        except (zlib.error, lzma.LZMAError) as error:
            raise BSPError(f"a message compressed by {self.name} is damaged: {error}") from error
        if len(expanded) != size or not inflater.eof:
            raise BSPError(f"a message compressed by {self.name} is damaged: it does not expand to {size} bytes")
        return bytearray(expanded)


_CODECS = (Codec(1, "zlib"), Codec(2, "lzma"))


def codec(name: str) -> Codec:
    """Return a codec by its name. Raises BSPError."""
    for found in _CODECS:
        if found.name == name:
            return found
    raise BSPError(f"compression must be one of {', '.join(found.name for found in _CODECS)}, or None, got {name!r}")


def codec_of(number: int) -> Codec:
    """Return the codec that a frame names. Raises BSPError."""
    for found in _CODECS:
        if found.number == number:
            return found
    raise BSPError(f"a message is compressed by the unknown codec {number}")
