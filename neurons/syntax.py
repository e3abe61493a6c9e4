"""Python's syntax trees, made by one thread at a time.

Two conversions at once, as where peers of one process read a neuron's source, have failed in CPython 3.11.7 with
"SystemError: AST constructor recursion depth mismatch": it counts the depth in a place that threads share.
"""

from __future__ import annotations

import ast
import threading
from types import CodeType

_alone = threading.Lock()


def parse(text: str) -> ast.Module:
    """The tree of a text; see `ast.parse`."""
    with _alone:
        return ast.parse(text)


def code_of(module: ast.Module, file: str, flags: int) -> CodeType:
    """What a tree compiles to; see `compile`.

    Args:
        module: the tree.
        file: what it is from.
        flags: features of the future that it was written with.
    """
    with _alone:
        compiled: CodeType = compile(module, file, "exec", flags, dont_inherit=True)
        return compiled
