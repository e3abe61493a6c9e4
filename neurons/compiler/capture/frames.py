"""Where the lowering stands: the function being inlined, its names, and the statements emitted so far."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import NeuronError, SourceLine
from ..nir.expressions import Expr, Local
from ..nir.statements import Assign, Stmt
from .source import Source
from .tables import kind_of
from .values import Value


@dataclass
class Frame:
    """One function while its body is lowered.

    Args:
        source: the function.
        owner: the class whose body defines it, for ``super()``; None for plain functions.
        names: what its names denote so far; scalars are NIR locals.
        assigned: names that it assigns somewhere: they are never looked up outside.
        result: what its calls denote: the local, or locals, that every ``return`` assigns; None without one.
    """

    source: Source
    owner: type | None
    names: dict[str, Value]
    assigned: frozenset[str]
    result: Value | None = None


@dataclass(frozen=True)
class Captured:
    """A value from outside of the class, which the code was specialised to: a global, a closure's, an object's.

    Args:
        look: finds it again.
        value: what it was.
    """

    look: Callable[[], Any]
    value: Any

    def holds(self) -> bool:
        """True while it is what it was."""
        now = self.look()
        if isinstance(self.value, np.ndarray):  # its items are no part of the code
            return isinstance(now, np.ndarray) and kind_of(now) == kind_of(self.value)
        return now is self.value or (type(now) is type(self.value) and isinstance(now, _NUMBERS) and now == self.value)


_NUMBERS = (bool, int, float, np.number, np.bool_)


@dataclass
class Scope:
    """What all frames of one method share: the statements so far, the supply of names, what was taken from outside.

    `place` is that of the user's statement at hand; `asides` are the refusals of those left out (see `asides`).
    """

    frames: list[Frame] = field(default_factory=list)
    statements: list[Stmt] = field(default_factory=list)
    used: int = 0
    loops: list[int] = field(default_factory=list)
    captured: list[Captured] = field(default_factory=list)
    asides: list[NeuronError] = field(default_factory=list)
    place: SourceLine | None = None

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def fresh(self, hint: str) -> str:
        """A name that no other local has."""
        self.used += 1
        return f"{hint}_{self.used}"

    def emit(self, statement: Stmt) -> None:
        """Add a statement; one without a place of its own has that of the user's statement at hand."""
        self.statements.append(statement if statement.where else replace(statement, where=self.place))

    def keep(self, value: Expr, hint: str, node: ast.AST) -> Local:
        """Give a value a name of its own, evaluated here."""
        name = self.fresh(hint)
        self.emit(Assign(name, value, where=self.where(node)))
        return Local(name)

    @contextmanager
    def block(self) -> Iterator[list[Stmt]]:
        """Collect the statements emitted inside."""
        outer, self.statements = self.statements, []
        try:
            yield self.statements
        finally:
            self.statements = outer

    def where(self, node: ast.AST) -> SourceLine:
        """The place of a node of the function being lowered."""
        return self.frame.source.where(node)

    def error(self, message: str, node: ast.AST) -> NeuronError:
        """An error at a node of the function being lowered."""
        return NeuronError(message, self.where(node))


def assigned_names(source: Source) -> frozenset[str]:
    """The names that a function binds: parameters and everything it stores to."""
    tree = source.tree
    arguments = tree.args
    found = {arg.arg for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)
