"""Where machine code is kept: ``$HORN_CACHE`` or ``~/.cache/horn``, by content, shared by all processes.

Where the folder cannot be written, a temporary one that ends with the process. Of several processes that need the same
code at once, one compiles it and the others wait.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import logging
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numba

logger = logging.getLogger("horn.compiler")

#: Files whose functions are inlined into kernels of other files, of which numba keeps no track.
_INLINED = ("aligned.py", "jit.py", "mathematics.py", "random.py", "whole.py")
#: Seconds to wait for another process that compiles the same; then it is done twice.
PATIENCE = 120.0


@lru_cache(maxsize=1)
def versions() -> str:
    """What machine code depends on beside the module's text: versions, and the functions that kernels inline."""
    inlined = b"".join(Path(__file__).with_name(name).read_bytes() for name in _INLINED)
    digest = hashlib.sha256(inlined).hexdigest()[:12]
    return f"Python {platform.python_version()}, numba {numba.__version__}, Horn's inlined functions {digest}"


@lru_cache(maxsize=1)
def _temporary_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="horn-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _wanted() -> Path:
    return Path(os.environ.get("HORN_CACHE") or "~/.cache/horn") / "kernels"


def lasting() -> bool:
    """True where there is machine code that outlasts processes, or may be."""
    try:
        return os.access(_wanted().expanduser(), os.W_OK)
    except RuntimeError:
        return False


def folder() -> Path:
    """Where generated modules and all machine code are kept."""
    wanted = _wanted()
    try:
        wanted = wanted.expanduser()
        wanted.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home, as in many a container
        return _instead_of(wanted, str(error))
    return wanted if os.access(wanted, os.W_OK) else _instead_of(wanted, "it is read-only")


@lru_cache(maxsize=1)  # told once, not for every module
def _instead_of(wanted: Path, reason: str) -> Path:
    logger.warning(
        "cannot use the cache folder %s (%s); kernels are compiled anew in each process: set HORN_CACHE to a folder "
        "that can be written",
        wanted,
        reason,
    )
    return _temporary_folder()


def code_folder(file: str) -> Path:
    """Where the machine code of a source file is kept: beside a generated module, by content for Horn's own files."""
    path = Path(file)
    if path.parent == folder():
        return path.parent / "__pycache__"
    digest = hashlib.sha256(versions().encode() + path.read_bytes()).hexdigest()[:16]
    return folder() / f"horn_{path.stem}_{digest}"


_held: set[Path] = set()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that compiles the code of one source file; within that, again for nothing.

    Where locks do not work, or another process holds this one for `PATIENCE` seconds, the work goes on without:
    nothing is corrupted, something is done twice.

    Args:
        path: the lock's file; its folder is made if it is missing.
    """
    if path in _held:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        _wait(file.fileno(), path)
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)  # closing the file opens the lock


def _wait(handle: int, path: Path) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > limit:
                logger.warning("another process has compiled for %g s (%s): not waiting longer", PATIENCE, path)
                return
            time.sleep(0.02)
        except OSError as error:
            logger.debug("%s cannot be locked (%s)", path, error)
            return
