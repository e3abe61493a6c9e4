"""The arguments of a call as what the function's parameters denote."""

from __future__ import annotations

import inspect
from types import FunctionType

from ...errors import NeuronError, definition
from .values import Value, known


def bind(function: FunctionType, arguments: list[Value], keywords: dict[str, Value]) -> dict[str, Value]:
    """Parameter → value, defaults included.

    Raises:
        TypeError: the arguments do not fit, as Python says it.
        NeuronError: the function takes ``*args`` or ``**keywords``.
    """
    # A decorator's wrapper takes what it takes, whatever it wraps.
    signature = inspect.signature(function, follow_wrapped=False)
    found: dict[str, Value] = dict(signature.bind(*arguments, **keywords).arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise NeuronError(
                f"{function.__qualname__} takes {parameter}, which cannot be compiled; write its parameters out",
                definition(function),
            )
        if name not in found:
            found[name] = known(parameter.default)
    return found
