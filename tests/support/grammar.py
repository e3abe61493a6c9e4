"""Text drawn from a grammar: templates whose ``<symbols>`` stand for one of that symbol's templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

_SYMBOL = re.compile(r"( *)<(\w+)(?:\+(\w+))?>")


@dataclass(frozen=True)
class Grammar:
    """Draws text.

    Args:
        rules: the templates of each symbol. ``<symbol>`` in a template stands for one of them, ``<symbol+place>`` for
            one of them in a place: within it, the rules named ``symbol+place`` count as well. Lines of what a symbol
            stands for are indented as it is.
        leaves: what stands for a symbol that has been nested too deeply: another symbol, which does not nest.
        draw: draws from a strategy.
    """

    rules: Mapping[str, Sequence[str]]
    leaves: Mapping[str, str]
    draw: Callable[[st.SearchStrategy[Any]], Any]

    def text(self, symbol: str, depth: int, places: frozenset[str] = frozenset()) -> str:
        """Text for a symbol, of at most this many nested ones of those that nest."""
        if symbol in self.leaves:
            if depth == 0:
                return self.text(self.leaves[symbol], 0, places)
            depth -= 1
        options = [
            *self.rules[symbol],
            *(rule for place in sorted(places) for rule in self.rules.get(f"{symbol}+{place}", ())),
        ]

        def replaced(match: re.Match[str]) -> str:
            margin, name, place = match.groups()
            inner = self.text(name, depth, places | {place} if place else places)
            return margin + inner.replace("\n", "\n" + margin)

        return _SYMBOL.sub(replaced, self.draw(st.sampled_from(options)))
