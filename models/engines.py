"""The engines by name."""

from __future__ import annotations

from horn.neurons import Engine, Interpreter

ENGINES: dict[str, type[Engine]] = {"interpreter": Interpreter}


def engine_class(name: str) -> type[Engine]:
    """The engine called `name`.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, ENGINES))}, got {name!r}")
    return ENGINES[name]
