"""Statements that change no number, `print(...)`, `assert` and `breakpoint()`: for the interpreter, which runs them.

The compiler refuses them. The derivatives of a method are those without them, so that a method which is looked into
trains as before.
"""

from __future__ import annotations

import ast
from typing import Any

from .frames import Frame
from .values import SelfRef

_FUNCTIONS = (print, breakpoint)


def is_aside(function: Any) -> bool:
    """True for the functions that may stand aside."""
    return any(function is known for known in _FUNCTIONS)


def changes_nothing(node: ast.AST, frame: Frame) -> bool:
    """True where nothing in a statement can change what the rest of the method computes.

    It binds no name, and neither calls a method of the neuron (a draw moves the next one) nor hands the neuron on.
    """
    parts = list(ast.walk(node))
    called = {id(part.func) for part in parts if isinstance(part, ast.Call)}
    read = {id(part.value) for part in parts if isinstance(part, ast.Attribute) and id(part) not in called}
    neurons = {name for name, value in frame.names.items() if isinstance(value, SelfRef)} | {"super"}
    return not any(
        isinstance(part, (ast.NamedExpr, ast.Yield, ast.YieldFrom))
        or (isinstance(part, ast.Name) and part.id in neurons and id(part) not in read)
        for part in parts
    )
