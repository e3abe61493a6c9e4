"""Where the lowering stands: the function being inlined, its names, and the statements emitted so far."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import NeuronError
from .nir import Assign, Body, Expr, Local, Stmt
from .source import Source
from .values import Value


@dataclass
class Frame:
    """One function while its body is lowered.

    Args:
        source: the function.
        owner: the class whose body defines it, for ``super()``; None for plain functions.
        names: what its names denote so far; scalars are NIR locals.
        assigned: names that it assigns somewhere: they are never looked up outside.
        results: what ``return`` gave, where it is a tuple or no scalar; scalars go through the local `result`.
    """

    source: Source
    owner: type | None
    names: dict[str, Value]
    assigned: frozenset[str]
    result: str = ""
    shape: list[Value] = field(default_factory=list)


@dataclass
class Scope:
    """What all frames of one method share: the statements so far and the supply of names."""

    frames: list[Frame] = field(default_factory=list)
    statements: list[Stmt] = field(default_factory=list)
    used: int = 0
    loops: list[int] = field(default_factory=list)

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def fresh(self, hint: str) -> str:
        """A name that no other local has."""
        self.used += 1
        return f"{hint}_{self.used}"

    def emit(self, statement: Stmt) -> None:
        self.statements.append(statement)

    def keep(self, value: Expr, hint: str, node: ast.AST) -> Local:
        """Give a value a name of its own, evaluated here."""
        name = self.fresh(hint)
        self.emit(Assign(name, value, where=self.frame.source.where(node)))
        return Local(name)

    @contextmanager
    def block(self) -> Iterator[list[Stmt]]:
        """Collect the statements emitted inside."""
        outer, self.statements = self.statements, []
        try:
            yield self.statements
        finally:
            self.statements = outer

    def error(self, message: str, node: ast.AST) -> NeuronError:
        """An error at a node of the function being lowered."""
        return NeuronError(message, self.frame.source.where(node))


def body(statements: list[Stmt]) -> Body:
    return tuple(statements)


def assigned_names(source: Source) -> frozenset[str]:
    """The names that a function binds: parameters and everything it stores to."""
    tree = source.tree
    arguments = tree.args
    found = {arg.arg for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)
