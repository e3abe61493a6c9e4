"""What nobody has used for a month leaves the cache (see `caching`), looked for once a day.

Other processes may be at work: who finds something gone, writes or compiles it anew.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path

from .caching import logger

DAY = 86400.0
#: Seconds that something is kept without being used.
KEPT = 30 * DAY


def used(path: Path) -> None:
    """Note that a file or folder of the cache is used now: its time of access, whatever the file system makes of it."""
    try:
        os.utime(path, (time.time(), path.stat().st_mtime))
    except OSError as error:  # another user's, or gone: it is compiled anew then
        logger.debug("the use of %s cannot be noted (%s)", path, error)


def prune(folder: Path) -> None:
    """Remove modules with their machine code, and machine code of Horn's own files, that were not used for `KEPT`.

    Args:
        folder: the cache folder. One process at a time, once a day, looks through it; where it cannot be written,
            all stays.
    """
    stamp, now = folder / "__pycache__" / ".pruned", time.time()
    try:
        stamp.parent.mkdir(exist_ok=True)
        if stamp.exists() and abs(now - stamp.stat().st_mtime) < DAY:
            return
        with stamp.open("w") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.utime(stamp, (now, now))
            _remove_unused(folder, now - KEPT)
    except OSError as error:
        logger.debug("%s cannot be pruned (%s)", folder, error)


def _remove_unused(folder: Path, since: float) -> None:
    code = folder / "__pycache__"
    for path in folder.iterdir():
        if path == code or path.name.startswith(".") or path.stat().st_atime >= since:
            continue
        logger.debug("%s has not been used for %d days: removed", path, KEPT / DAY)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        for part in (path, *code.glob(f"{path.stem}.*"), code / f".{path.stem}.lock"):
            part.unlink(missing_ok=True)
