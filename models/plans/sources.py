"""The source of classes that were typed, for processes that cannot read it.

The compiler reads the source of neurons, activations, costs and of the functions that they call. What was typed into a
notebook or at a prompt has it in the memory of that process only (`linecache`), so it travels with the job.
"""

from __future__ import annotations

import linecache

#: Source lines by the name of a file that does not exist.
Sources = dict[str, list[str]]


def typed_sources() -> Sources:
    """What was typed into this process: the entries without a modification time, hence without a file."""
    entries = [(name, entry) for name, entry in linecache.cache.items() if len(entry) == 4]
    return {name: entry[2] for name, entry in entries if entry[1] is None and entry[2]}


def install(sources: Sources) -> None:
    """Let `inspect`, the compiler and tracebacks of this process find them."""
    for name, lines in sources.items():
        # without a modification time, an entry stays although no such file exists
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
