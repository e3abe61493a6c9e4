"""Mistakes that only a run can tell: a kernel leaves a code in `status`, here is what it means."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import NeuronError, SourceLine

#: The codes for a method that did not call exactly once what it must.
MISCALLED = {1: ("forward", "feedforward"), 2: ("backward", "backpropagate")}
#: The first code of what else is looked out for.
FIRST = 3


@dataclass(frozen=True)
class Hazard:
    """What a kernel looks out for.

    Args:
        text: the message; ``{value}`` and ``{size}`` stand for what was seen.
        where: the user's line.
    """

    text: str
    where: SourceLine | None


class Hazards(list[Hazard]):
    """What the kernels of a layer look out for; the place in the list, counted from `FIRST`, is the code."""

    def code(self, text: str, where: SourceLine | None) -> int:
        """The code of a new hazard."""
        self.append(Hazard(text, where))
        return FIRST + len(self) - 1

    def error(self, code: int, value: float, size: float, neuron: str) -> NeuronError:
        """The error for what a kernel left in `status`.

        Args:
            code: the code.
            value: the number that it saw.
            size: what bounds it.
            neuron: whose it was, in words.
        """
        hazard = self[code - FIRST]
        text = hazard.text.replace("{value}", _shown(value)).replace("{size}", _shown(size))
        return NeuronError(f"{neuron}: {text}", hazard.where)


def _shown(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:g}"
