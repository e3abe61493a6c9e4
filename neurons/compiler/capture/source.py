"""The user's functions as syntax trees: their source, the place of every node in it, the names they see."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from ...errors import NeuronError, SourceLine, definition
from ...syntax import parse

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
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        last, end = getattr(node, "end_lineno", line), getattr(node, "end_col_offset", 0)
        return SourceLine.spanning(self.file, self.first + line - 1, self.text[line - 1], column, last - line, end)

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
        NeuronError: it is async; its source is not to be had (typed into a plain prompt, made by exec); it is a lambda
            that cannot be told from another.
    """
    code = function.__code__
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise NeuronError(f"{function.__qualname__} is async, and nothing here waits: write def", definition(function))
    try:
        # Of the code and not of the function: a decorator's wrapper counts as what it is.
        if function.__name__ == "<lambda>":
            lines, first = _file(function), 1
            tree: ast.FunctionDef | ast.Lambda = _lambda(function, lines)
        else:
            first = code.co_firstlineno
            lines = inspect.getblock(_file(function)[first - 1 :])
            tree = _definition(lines)
            if tree.name != code.co_name:
                raise OSError(f"line {first} of {code.co_filename} defines {tree.name}: the file has changed")
    except (OSError, StopIteration, SyntaxError) as error:
        raise NeuronError(
            f"the source of {function.__qualname__} (from {code.co_filename}) cannot be read, and the "
            "compiler works from the source; put it in a file or a notebook cell, or use engine='interpreter'"
        ) from error
    return Source(function, tree, code.co_filename, first, [line.rstrip() for line in lines])


def _file(function: FunctionType) -> list[str]:
    """The lines of the file that a function stands in.

    As `inspect.findsource` finds them, which looks through all modules, and again for every class in a fork.

    Raises:
        OSError: there are none, or fewer than the function needs.
    """
    code = function.__code__
    loader = function.__globals__ if function.__globals__.get("__file__") == code.co_filename else None
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, loader)
    if len(lines) < code.co_firstlineno:
        raise OSError(f"{code.co_filename} has {len(lines)} lines, and the function begins at {code.co_firstlineno}")
    return lines


def _definition(lines: list[str]) -> ast.FunctionDef:
    # A method is indented, and comments or strings in it may not be: give it a block to stand in.
    text = "".join(lines)
    nested = lines[0][:1].isspace()
    tree = parse(f"if True:\n{text}" if nested else text)
    found = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return ast.increment_lineno(found, -1) if nested else found


def _lambda(function: FunctionType, lines: list[str]) -> ast.Lambda:
    """The lambda of a file within which all instructions of the function lie."""
    code = function.__code__
    places = [place for place in code.co_positions() if place[2] is not None and place[2:] != (0, 0)]
    begin = min(((line or 0, column or 0) for line, _, column, _ in places), default=(0, 0))
    end = max(((line or 0, column or 0) for _, line, _, column in places), default=begin)
    names = code.co_varnames[: code.co_argcount]
    found = [
        node
        for node in ast.walk(parse("".join(lines)))
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args)) == names
        and (not places or (_begin(node) <= begin and end <= _end(node)))
    ]
    if places and found:
        return max(found, key=_begin)  # of those in each other the innermost
    if len(found) != 1:  # python -X no_debug_ranges knows no columns
        raise NeuronError(
            f"cannot tell which lambda of this line is meant: {lines[code.co_firstlineno - 1].strip()!r}; write it as "
            "a def of its own",
            definition(function),
        )
    return found[0]


def _begin(node: ast.Lambda) -> tuple[int, int]:
    return node.body.lineno, node.body.col_offset


def _end(node: ast.Lambda) -> tuple[int, int]:
    return node.body.end_lineno or 0, node.body.end_col_offset or 0
