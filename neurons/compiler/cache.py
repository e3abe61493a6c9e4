"""Generated modules as real, readable files, named by what they contain.

A module's file holds all that its machine code depends on, and its name the hash of that, so that numba's own cache
beside it never goes stale and is shared by all processes. The folder is ``$HORN_CACHE`` or ``~/.cache/horn``; where it
cannot be written, a temporary one that ends with the process.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import logging
import os
import platform
import shutil
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numba

from .. import jit, mathematics, random, whole

logger = logging.getLogger("horn.compiler")


@lru_cache(maxsize=1)
def versions() -> str:
    """What machine code depends on beside the module's text: versions, and the functions that kernels inline."""
    inlined = b"".join(Path(str(module.__file__)).read_bytes() for module in (jit, mathematics, random, whole))
    digest = hashlib.sha256(inlined).hexdigest()[:12]
    return f"Python {platform.python_version()}, numba {numba.__version__}, Horn's inlined functions {digest}"


@lru_cache(maxsize=1)
def _temporary_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="horn-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def folder() -> Path:
    """Where generated modules are kept."""
    root = os.environ.get("HORN_CACHE")
    wanted = (Path(root) if root else Path.home() / ".cache" / "horn") / "kernels"
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
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


def load(text: str, stem: str) -> ModuleType:
    """The module with this text, from the cache or written to it.

    Args:
        text: the source of the module.
        stem: beginning of its name, for the reader.
    """
    text = f"# {versions()}\n{text}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    name = f"horn_kernels_{stem}_{digest}"
    known = sys.modules.get(name)
    if known is not None:
        return known
    path = folder() / f"{stem}_{digest}.py"
    if not path.exists():
        logger.info("compiling %s …", stem)
        _write_once(path, text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module


def _write_once(path: Path, text: str) -> None:
    """Write a file that another process may be writing, too: whoever is first wins, and its time stamp stays."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            os.link(temporary, path)
        except FileExistsError:
            logger.debug("%s was written by another process", path)
        except OSError as error:
            # A file system without links: whoever is last wins, with the same text.
            logger.debug("%s cannot be linked (%s)", path, error)
            Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
