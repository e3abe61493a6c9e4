"""Anonymous shared memory that grows and leaves nothing behind.

A segment is a `memfd` (elsewhere an unlinked temporary file): it has no name, so nothing is to be swept up after a
crash, and it is not bound by the size of /dev/shm. The launcher creates all segments of a job and the workers inherit
the descriptors; a segment grows in place, and whoever needs the new part maps it again.
"""

import ctypes
import mmap
import os
import tempfile
import weakref
from pathlib import Path

from ..errors import BSPError
from .space import Allocate, allocate_memory, allocate_on_disk, unnamed_file

PAGE = mmap.PAGESIZE


def _anonymous_file(label: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(f"horn-{label}", os.MFD_CLOEXEC)
    fd, path = tempfile.mkstemp(prefix="horn-")
    Path(path).unlink()
    return fd


class Segment:
    """One piece of memory shared by the processes that hold its descriptor.

    Args:
        fd: descriptor of the anonymous file; the segment closes it when it is collected.
        allocate: makes the file grow.
    """

    def __init__(self, fd: int, allocate: Allocate = allocate_memory) -> None:
        self.fd = fd
        self._allocate = allocate
        self._map: mmap.mmap | None = None
        self._close = weakref.finalize(self, os.close, fd)

    @classmethod
    def create(cls, label: str, size: int) -> "Segment":
        """Create a segment of at least `size` zero bytes."""
        segment = cls(_anonymous_file(label))
        segment.reserve(size)
        return segment

    @classmethod
    def on_disk(cls, folder: str) -> "Segment":
        """Create a segment in a file without a name: what is not used for a while need not stay in memory."""
        segment = cls(unnamed_file(folder), allocate_on_disk(folder))
        segment.reserve(1)
        return segment

    @property
    def mapped(self) -> int:
        """Bytes that this process sees; another process may have grown the segment beyond."""
        present = self._map
        return 0 if present is None else len(present)

    @property
    def size(self) -> int:
        """Bytes that exist, mapped here or not yet."""
        return os.fstat(self.fd).st_size

    def reserve(self, size: int) -> None:
        """Grow to at least `size` bytes. Only the owner calls this.

        Raises:
            BSPError: the machine has not that much memory left.
        """
        if size <= self.mapped:
            return
        present, rounded = self.size, -(-max(size, 1) // PAGE) * PAGE
        if rounded > present:
            self._allocate(self.fd, present, rounded)
        self.map(size)

    def map(self, size: int) -> mmap.mmap:
        """Return a mapping of at least `size` bytes; it may be replaced by a larger one later and stays valid."""
        # Threads may do this at once: each goes on with the mapping that it has seen.
        present = self._map
        if present is None or len(present) < size:
            available = self.size
            if available < size:
                raise BSPError(f"shared memory holds {available} bytes, {size} were asked for")
            try:
                self._map = present = mmap.mmap(self.fd, available)
            except OSError as error:
                raise BSPError(
                    f"{available / 2**20:.1f} MiB of shared memory cannot be mapped ({error.strerror}): "
                    "raise the limit of the process's address space (ulimit -v), or use smaller arrays"
                ) from error
        return present

    def view(self, size: int) -> memoryview:
        """Return the first `size` bytes as writable memory."""
        return memoryview(self.map(size))[:size]

    def close(self) -> None:
        """Close the descriptor. Views that others hold stay valid; the memory goes with the last of them."""
        self._close()
        self._map = None

    def address(self) -> int:
        """Return the address of the first byte of the present mapping, for futexes."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self.map(1)))
