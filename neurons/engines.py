"""The engines by name."""

from __future__ import annotations

import importlib

from .engine import Engine

#: Name → module and class. An engine is imported when it is first asked for.
_ENGINES = {"compiled": ("compiler.execution.engine", "Compiled"), "interpreter": ("interpreter", "Interpreter")}


def engine_named(name: str) -> type[Engine]:
    """The engine class of that name.

    Args:
        name: "compiled" or "interpreter".

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, sorted(_ENGINES)))}, got {name!r}")
    module, cls = _ENGINES[name]
    found: type[Engine] = getattr(importlib.import_module(f".{module}", __package__), cls)
    return found
