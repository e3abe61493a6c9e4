"""Generated modules as real, readable files, named by what they contain.

A module's file holds all that its machine code depends on, and its name the hash of that, so that what is kept beside
it never goes stale and is shared by all processes (see `caching`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from ...caching import folder, logger, versions
from ...pruning import prune, used

#: Letters of a class's name that a file's name takes: some systems end it at 255 bytes.
_LETTERS = 30


def word(name: str) -> str:
    """A class's name as a part of a file's: classes that a function makes may be called anything."""
    return re.sub(r"\W+", "_", name)[:_LETTERS]


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
        prune(path.parent)
    used(path)
    try:
        module = _executed(name, path)
    except FileNotFoundError:  # another process has pruned it just now
        _write_once(path, text)
        module = _executed(name, path)
    sys.modules[name] = module
    return module


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
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
