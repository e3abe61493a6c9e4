"""Where a function of the user's returns from within."""

from __future__ import annotations

import ast


def returns(statement: ast.AST) -> bool:
    """True where a statement holds a return."""
    return any(isinstance(node, ast.Return) for node in ast.walk(statement))


def always_returns(statements: list[ast.stmt]) -> bool:
    """True where no path leads past the end of the statements."""
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.Return):
        return True
    return isinstance(last, ast.If) and always_returns(last.body) and always_returns(last.orelse)
