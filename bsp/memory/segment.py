"""Anonymous shared memory that grows and leaves nothing behind.

A segment is a `memfd` (elsewhere an unlinked temporary file): it has no name, so nothing is to be swept up after a
crash, and it is not bound by the size of /dev/shm. The launcher creates all segments of a job and the workers inherit
the descriptors; a segment grows in place, and whoever needs the new part maps it again.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import tempfile
import weakref
from pathlib import Path

from ..errors import BSPError

PAGE = mmap.PAGESIZE
_LOOK_FROM = 64 << 20


def _anonymous_file(label: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(f"horn-{label}", os.MFD_CLOEXEC)
    fd, path = tempfile.mkstemp(prefix="horn-")
    Path(path).unlink()
    return fd


def _reserve(fd: int, present: int, size: int) -> None:
    """Make `size` bytes exist. Allocated, not only promised: a write past full memory would be SIGBUS."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, present, size - present)
    else:
        os.ftruncate(fd, size)


def available_memory() -> int | None:
    """Return the bytes that this process can still allocate, by the machine and its container; None if unknown."""
    found = []
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]))
    with contextlib.suppress(OSError, ValueError):  # "max" where the container has no limit
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        reclaimable = int(told["active_file"]) + int(told["inactive_file"])
        found.append(max(0, limit - used + reclaimable))
    return min(found, default=None)


class Segment:
    """One piece of memory shared by the processes that hold its descriptor.

    Args:
        fd: descriptor of the anonymous file; the segment closes it when it is collected.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map: mmap.mmap | None = None
        self._close = weakref.finalize(self, os.close, fd)

    @classmethod
    def create(cls, label: str, size: int) -> "Segment":
        """Create a segment of at least `size` zero bytes."""
        segment = cls(_anonymous_file(label))
        segment.reserve(size)
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
            self._allocate(present, rounded)
        self.map(size)

    def _allocate(self, present: int, size: int) -> None:
        # The kernel does not refuse what it has not got, it kills: so look first, where the amount matters.
        available = available_memory() if size - present > _LOOK_FROM else None
        try:
            if available is not None and size - present > available:
                raise OSError(errno.ENOMEM, f"{available / 2**20:.0f} MiB are available")
            _reserve(self.fd, present, size)
        except OSError as error:
            raise BSPError(
                f"no space for {size / 2**20:.1f} MiB of shared memory ({error.strerror}): "
                "use smaller arrays or fewer peers, or give the job more memory"
            ) from error

    def map(self, size: int) -> mmap.mmap:
        """Return a mapping of at least `size` bytes; it may be replaced by a larger one later and stays valid."""
        # Threads may do this at once: each goes on with the mapping that it has seen.
        present = self._map
        if present is None or len(present) < size:
            available = self.size
            if available < size:
                raise BSPError(f"shared memory holds {available} bytes, {size} were asked for")
            self._map = present = mmap.mmap(self.fd, available)
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
