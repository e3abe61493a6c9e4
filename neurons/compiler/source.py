"""The user's functions as syntax trees: their source, the place of every node in it, the names they see."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from ..errors import NeuronError, SourceLine, definition

#: A name that a function does not know.
MISSING = object()


@dataclass(frozen=True)
class Source:
    """One function as the compiler reads it.

    Args:
        function: the function itself.
        tree: its definition; a lambda counts as a definition that returns its body.
        file, first: where the text begins.
        text: its lines.
    """

    function: FunctionType
    tree: ast.FunctionDef | ast.Lambda
    file: str
    first: int
    text: list[str] = field(repr=False)

    def where(self, node: ast.AST) -> SourceLine:
        """The place of a node in the user's file."""
        line = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0)
        return SourceLine(self.file, self.first + line - 1, self.text[line - 1], column)

    def statements(self) -> list[ast.stmt]:
        """The body; a lambda's is one return."""
        if isinstance(self.tree, ast.Lambda):
            return [ast.copy_location(ast.Return(self.tree.body), self.tree.body)]
        return self.tree.body

    def lookup(self, name: str) -> Any:
        """What a name means to the function: closure, then globals, then builtins; MISSING if it is unknown."""
        code = self.function.__code__
        if name in code.co_freevars and self.function.__closure__ is not None:
            try:
                return self.function.__closure__[code.co_freevars.index(name)].cell_contents
            except ValueError:  # the cell is still empty: the name is assigned later
                return MISSING
        if name in self.function.__globals__:
            return self.function.__globals__[name]
        return getattr(builtins, name, MISSING)


def read_source(function: FunctionType) -> Source:
    """The syntax tree of a function.

    Raises:
        NeuronError: its source is not to be had (typed into a plain prompt, made by exec), or is a lambda that shares
            its line with another.
    """
    code = function.__code__
    try:
        # Of the code and not of the function: a decorator's wrapper counts as what it is.
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError) as error:
        raise NeuronError(
            f"the source of {function.__qualname__} (from {code.co_filename}) cannot be read, and the "
            "compiler works from the source; put it in a file or a notebook cell, or use engine='interpreter'"
        ) from error
    return Source(function, _definition(function, lines), code.co_filename, first, [line.rstrip() for line in lines])


def _definition(function: FunctionType, lines: list[str]) -> ast.FunctionDef | ast.Lambda:
    text = "".join(lines)
    if function.__name__ != "<lambda>":
        # A method is indented, and comments or strings in it may not be: give it a block to stand in.
        nested = lines[0][:1].isspace()
        tree = ast.parse(f"if True:\n{text}" if nested else text)
        found = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        return ast.increment_lineno(found, -1) if nested else found
    # The line of a lambda is often no statement by itself (a keyword argument, say): parse from the lambda on.
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    lambdas = [node for node in _lambdas(text) if tuple(arg.arg for arg in node.args.args) == names]
    if len(lambdas) != 1:
        raise NeuronError(
            f"cannot tell which lambda of this line is meant: {text.strip()!r}; write it as a def of its own",
            definition(function),
        )
    return lambdas[0]


def _lambdas(text: str) -> Iterable[ast.Lambda]:
    start = text.find("lambda")
    while start >= 0:
        for stop in range(len(text), start, -1):
            try:
                tree = ast.parse(text[start:stop].strip(), mode="eval")
            except SyntaxError:
                continue
            if isinstance(tree.body, ast.Lambda):
                yield tree.body
                break
        start = text.find("lambda", start + 1)
