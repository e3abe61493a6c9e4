"""Tables of text, and numbers short enough for them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

WIDTH = 120
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(number: float, unit: str = "") -> str:
    """A number in three digits or a few more: 784, 80.4M; empty for 0."""
    if not number:
        return ""
    for size, prefix in _PREFIXES:
        if number >= size:
            return f"{number / size:.1f} {prefix}{unit}"
    return f"{number:g} {unit}".rstrip()


def wrapped(text: str) -> list[str]:
    """A sentence in lines of at most 120 characters; a text that has lines already stays as it is."""
    return text.splitlines() if "\n" in text else textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[str]) -> list[str]:
    """Lines of a table; the columns under `numeric` headings stand to the right, empty ones are left out.

    Args:
        headings: of the columns.
        rows: the cells.
        numeric: headings of the columns with numbers.
    """
    used = [index for index in range(len(headings)) if any(row[index] for row in rows)]
    grid = [[line[index] for index in used] for line in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if headings[index] in numeric else cell.ljust(width)
            for cell, width, index in zip(line, widths, used, strict=True)
        ).rstrip()
        for line in grid
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
