"""Room for what is written: made to exist before it is touched, in memory or on a disk."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import BSPError

Allocate = Callable[[int, int, int], None]
"""Makes a file grow, given its descriptor, its present and its new size. Raises BSPError where there is no space."""

_LOOK_FROM = 64 << 20


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


def allocate_memory(fd: int, present: int, size: int) -> None:
    """Let shared memory grow; see `Allocate`."""
    try:
        _look(size - present)
        _reserve(fd, present, size)
    except OSError as error:
        raise BSPError(
            f"no space for {size / 2**20:.1f} MiB of shared memory ({error.strerror}): "
            "use smaller arrays or fewer peers, or give the job more memory"
        ) from error


def allocate_on_disk(folder: str) -> Allocate:
    """Return what lets a file in a folder grow; see `Allocate`."""

    def allocate(fd: int, present: int, size: int) -> None:
        try:
            _reserve(fd, present, size)
        except OSError as error:
            raise BSPError(
                f"no space for {size / 2**20:.1f} MiB of messages in {folder} ({error.strerror}): messages beyond the "
                "job's memory_limit go there; give it another spill_dir, or send less in a superstep"
            ) from error

    return allocate


def private_memory(size: int) -> bytearray:
    """Return memory of this process's own for a message. Raises BSPError where there is not enough."""
    if size < _LOOK_FROM:
        return bytearray(size)
    with _large_message(size):
        return bytearray(size)


def own_copy(memory: memoryview | bytearray) -> bytearray:
    """Return a copy of a message in memory of this process's own. Raises BSPError where there is not enough."""
    if len(memory) < _LOOK_FROM:
        return bytearray(memory)
    with _large_message(len(memory)):
        return bytearray(memory)


def unnamed_file(folder: str) -> int:
    """Return a descriptor of a new file in a folder that has no name, and goes with the last process that holds it.

    Raises:
        BSPError: no file can be made there.
    """
    try:
        if hasattr(os, "O_TMPFILE"):
            with contextlib.suppress(OSError):  # not every file system can; the next attempt tells what is wrong
                return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fd, path = tempfile.mkstemp(prefix="horn-", dir=folder)
    except OSError as error:
        raise BSPError(
            f"messages cannot be kept in {folder} ({error.strerror}): give the job another spill_dir"
        ) from error
    Path(path).unlink()
    return fd


@contextlib.contextmanager
def _large_message(size: int) -> Iterator[None]:
    try:
        _look(size)
        yield
    except (OSError, MemoryError) as error:
        raise BSPError(
            f"no memory for a message of {size / 2**20:.1f} MiB ({getattr(error, 'strerror', 'out of memory')}): "
            "send it in parts, or give the job more memory"
        ) from error


def _look(size: int) -> None:
    # The kernel does not refuse what it has not got, it kills: so look first, where the amount matters.
    available = available_memory() if size >= _LOOK_FROM else None
    if available is not None and size > available:
        raise OSError(errno.ENOMEM, f"{available / 2**20:.0f} MiB are available")


def _reserve(fd: int, present: int, size: int) -> None:
    """Make bytes exist. Allocated, not only promised: a write past full memory would be SIGBUS."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, present, size - present)
    else:
        os.ftruncate(fd, size)
