"""Errors in the user's terms: where in the neuron's source, what was found, what to write instead."""

from __future__ import annotations

import difflib
import inspect
import linecache
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class SourceLine:
    """A place in the user's source: what an error message points at.

    Args:
        file: path of the file, or a name such as ``<stdin>``.
        line: line number, from 1.
        text: the line as written.
        column: column of the offending expression, in characters from 0.
        end: column behind it; 0 where only its beginning is known.
    """

    file: str
    line: int
    text: str = ""
    column: int = 0
    end: int = 0

    @classmethod
    def spanning(cls, file: str, line: int, text: str, first: int, lines: int, end: int) -> SourceLine:
        """The place of an expression that may go on in the next lines: then its first line is what is shown.

        Args:
            file: path of the file.
            line: its first line, from 1.
            text: that line.
            first: its first column as Python counts them, in bytes of UTF-8.
            lines: number of lines that it goes on for, 0 for one that ends where it begins.
            end: the column behind it, in its last line, counted likewise.
        """
        text = text.rstrip()
        return cls(file, line, text, _characters(text, first), len(text) if lines else _characters(text, end))

    @property
    def marked(self) -> str:
        """The expression itself, as far as it stands in this line."""
        return self.text[self.column : self.end]

    def of(self, name: str) -> SourceLine:
        """The place of a name within this one; the whole where it does not occur."""
        found = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)").search(self.text, self.column)
        return replace(self, column=found.start(), end=found.end()) if found else self

    def __str__(self) -> str:
        head = f'File "{self.file}", line {self.line}'
        shown = self.text.strip()
        if not shown:
            return head
        indent = len(self.text) - len(self.text.lstrip())
        column = min(max(self.column - indent, 0), len(shown))
        # A tab is as wide as the screen makes it.
        blank = "".join("\t" if character == "\t" else " " for character in shown[:column])
        width = max(min(self.end - indent, len(shown)) - column, 1)
        return f"{head}\n    {shown}\n    {blank}{'^' * width}"


def _characters(text: str, column: int) -> int:
    """A column in bytes of UTF-8 as a column in characters."""
    return len(text.encode()[:column].decode(errors="replace"))


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


def meant(name: str, names: Iterable[str]) -> str:
    """The beginning of a cure where a name looks like a slip of the pen for one of `names`; else empty."""
    close = difflib.get_close_matches(name, sorted(names), 1, 0.85)
    return f"did you mean {close[0]}? Else " if close else ""


def definition(function: Any) -> SourceLine | None:
    """Where a function was defined: the line of its ``def``; None if it was not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return None
    line = code.co_firstlineno
    text = linecache.getline(code.co_filename, line)
    return SourceLine(code.co_filename, line, text, len(text) - len(text.lstrip()))
