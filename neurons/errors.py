"""Errors in the user's terms: where in the neuron's source, what was found, what to write instead."""

from __future__ import annotations

import inspect
import linecache
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SourceLine:
    """A place in the user's source: what an error message points at.

    Args:
        file: path of the file, or a name such as ``<stdin>``.
        line: line number, from 1.
        text: the line as written.
        column: column of the offending expression, from 0.
    """

    file: str
    line: int
    text: str = ""
    column: int = 0

    def __str__(self) -> str:
        head = f'File "{self.file}", line {self.line}'
        if not self.text.strip():
            return head
        indent = len(self.text) - len(self.text.lstrip())
        caret = " " * max(self.column - indent, 0) + "^"
        return f"{head}\n    {self.text.strip()}\n    {caret}"


class NeuronError(TypeError):
    """A neuron class, activation, cost or interlayer function that Horn cannot run, and why.

    Args:
        message: what was seen, what is allowed, what to write instead.
        where: the user's line, where one is to blame.
    """

    def __init__(self, message: str, where: SourceLine | None = None) -> None:
        super().__init__(f"{message}\n  {where}" if where else message)
        self.message = message
        self.where = where

    def __reduce__(self) -> tuple[type[NeuronError], tuple[str, SourceLine | None]]:
        return type(self), (self.message, self.where)


def definition(function: Any) -> SourceLine | None:
    """Where a function was defined: the line of its ``def``; None if it was not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return None
    line = code.co_firstlineno
    text = linecache.getline(code.co_filename, line)
    return SourceLine(code.co_filename, line, text, len(text) - len(text.lstrip()))
