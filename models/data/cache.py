"""Where downloads are kept: `$HORN_CACHE`, by default `~/.cache/horn`; data sets in its folder `data`."""

import os
from pathlib import Path


def data_cache(name: str) -> Path:
    """The folder that keeps the data set `name`; it need not exist yet."""
    root = os.environ.get("HORN_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "horn") / "data" / name
