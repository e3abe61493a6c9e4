"""Files whose content is known in advance: read plain or gzip-compressed, and checked before anything is believed.

The size is checked before the checksum: it tells a download that broke off from content that was changed, and it
bounds what a compressed file may expand to.
"""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from .errors import DataError


@dataclass(frozen=True)
class KnownFile:
    """A file of a published data set.

    Args:
        name: its name, without `.gz`.
        size: its length in bytes, decompressed.
        sha256: SHA-256 of its decompressed content, in hexadecimal.
    """

    name: str
    size: int
    sha256: str

    def find(self, folder: Path) -> Path | None:
        """Path of this file in `folder`, plain before compressed; None if neither is there."""
        candidates = (folder / self.name, folder / f"{self.name}.gz")
        return next((path for path in candidates if path.is_file()), None)

    def read(self, path: Path) -> bytes:
        """Read, decompress and check the file.

        Raises:
            DataError: unreadable, truncated, or with another content than was published.
        """
        try:
            if path.suffix == ".gz":
                return self.decompress(path.read_bytes(), str(path))
            content = path.read_bytes()
        except OSError as error:
            raise DataError(
                f"{path} cannot be read ({error.strerror}): check its permissions, or get it anew"
            ) from error
        return self.check(content, str(path))

    def decompress(self, compressed: bytes, origin: str) -> bytes:
        """Expand gzip-compressed content, to no more than its known size, and check it.

        Raises:
            DataError: no intact gzip data, or with another content than was published.
        """
        expander = zlib.decompressobj(wbits=31)  # 31: with gzip's header and trailer
        try:
            content = expander.decompress(compressed, self.size + 1)
        except zlib.error as error:
            raise DataError(f"{origin} is damaged ({error}): delete it and get it anew") from error
        return self.check(content, origin)

    def check(self, content: bytes, origin: str) -> bytes:
        """Return `content` if it is what was published.

        Args:
            content: the decompressed content.
            origin: the path or address that it came from, for the error.

        Raises:
            DataError: of another length or checksum than was published.
        """
        if len(content) != self.size:
            what = "is truncated: it" if len(content) < self.size else "is too long: it"
            seen = f"{len(content):,} bytes" if len(content) < self.size else f"more than {self.size:,} bytes"
            raise DataError(f"{origin} {what} holds {seen}, {self.name} has {self.size:,}: delete it and get it anew")
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise DataError(
                f"{origin} has a wrong checksum: SHA-256 {digest}, {self.name} has {self.sha256}: "
                "delete it and get it anew"
            )
        return content
