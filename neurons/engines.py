"""The engines by name."""

from __future__ import annotations

from .compiler.engine import Compiled
from .engine import Engine
from .interpreter import Interpreter

ENGINES: dict[str, type[Engine]] = {"compiled": Compiled, "interpreter": Interpreter}


def engine_named(name: str) -> type[Engine]:
    """The engine class of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {sorted(ENGINES)}, got {name!r}")
    return ENGINES[name]
