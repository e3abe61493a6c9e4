"""Python's syntax trees, made by one thread at a time.

CPython 3.11 and 3.12 count the depth of a tree in a variable that all threads share: two conversions at once, as where
peers of one process read a neuron's source, may fail with "AST constructor recursion depth mismatch" (gh-106905).
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
