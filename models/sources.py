"""The source of a user's classes, for processes that cannot read it.

The compiler reads the source of neurons, activations and costs. Classes of a notebook or a prompt have it in the
memory of the process that they were typed into (`linecache`), so it travels with them.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

from horn.neurons import NetworkSpec


@dataclass(frozen=True)
class Sources:
    """Source lines by file name, for names that no file is behind."""

    lines: dict[str, list[str]]

    def install(self) -> None:
        """Let `inspect` and tracebacks of this process find them."""
        for name, lines in self.lines.items():
            # without a modification time, an entry stays although no such file exists
            linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def sources_of(spec: NetworkSpec) -> Sources:
    """What must travel with a network."""
    names = {function.__code__.co_filename for cls in _classes(spec) for function in _functions(cls)}
    typed = {name: linecache.getlines(name) for name in names if not Path(name).is_file()}
    return Sources({name: lines for name, lines in typed.items() if lines})


def _classes(spec: NetworkSpec) -> Iterator[type]:
    for layer in spec.layers:
        yield from layer.neuron.__mro__
        yield from type(layer.activation).__mro__
    yield from type(spec.cost).__mro__


def _functions(cls: type) -> Iterator[FunctionType]:
    for value in vars(cls).values():
        if isinstance(value, FunctionType):
            yield value
