"""Downloads: from the first mirror that delivers what was published, into a folder, all of it or nothing.

Nothing that a mirror sends is written before its checksum is right, and it appears under its name only when it is
complete: a reader, or another process that downloads the same file at the same time, sees the whole file or none.
"""

import http.client
import logging
import os
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from .errors import DataError, DataUnavailable
from .files import KnownFile

log = logging.getLogger("horn.data")

CHUNK = 1 << 16  # bytes


def fetch(
    file: KnownFile, mirrors: Sequence[str], folder: Path, *, timeout: float = 10.0, deadline: float = 600.0
) -> bytes:
    """Download `file` into `folder`, decompressed, and return its content.

    Args:
        file: what is wanted; the mirrors hold it gzip-compressed, as `<mirror>/<name>.gz`.
        mirrors: addresses of folders, tried in turn.
        folder: where it is kept; made if missing.
        timeout: seconds without a sign of life after which a mirror is given up.
        deadline: seconds that one mirror may take in all.

    Raises:
        DataUnavailable: no mirror delivered it; the message gives the reason of each.
        DataError: it cannot be written.
    """
    failures = []
    for mirror in mirrors:
        address = f"{mirror.rstrip('/')}/{file.name}.gz"
        try:
            content = file.decompress(_transfer(address, file.size, timeout, deadline), address)
        except (OSError, ValueError, http.client.HTTPException, DataError) as error:
            log.info("%s: %s", address, error)
            failures.append(f"  {address}: {error}")
            continue
        _write_atomically(folder / file.name, content)
        return content
    reasons = "\n".join(failures) or "  there are no mirrors"
    raise DataUnavailable(f"{file.name} could not be downloaded:\n{reasons}")


def _transfer(address: str, limit: int, timeout: float, deadline: float) -> bytes:
    """What stands at `address`, at most `limit` bytes of it, with a progress bar on a terminal."""
    end = time.monotonic() + deadline
    with urllib.request.urlopen(address, timeout=timeout) as response:
        length = int(response.headers.get("Content-Length") or 0)
        received = bytearray()
        name = address.rsplit("/", 1)[-1]
        with tqdm(total=length or None, desc=name, unit="B", unit_scale=True, disable=None) as bar:
            while len(received) < limit and (chunk := response.read(CHUNK)):
                received += chunk
                bar.update(len(chunk))
                if time.monotonic() > end:
                    raise TimeoutError(f"{len(received):,} bytes in {deadline:g} s, the limit")
    if len(received) < length:
        raise DataError(f"the connection ended after {len(received):,} of {length:,} bytes")
    return bytes(received)


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a file that appears under its name when it is complete; what a failure leaves is removed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as error:
        cure = "make room or let HORN_CACHE name a folder that can be written"
        raise DataError(f"{path} cannot be written ({error.strerror}): {cure}") from error
