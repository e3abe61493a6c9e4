"""The names of what kernels over lanes compute, for one of several examples at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..nir.expressions import Expr, Local, Type
from ..nir.prune import rewrite
from ..nir.statements import Assign, Body, Break, Continue, If, RangeLoop, While
from .hazards import Hazards
from .spelling import Spelling, local_name

#: Receivers that are gone through together, and what of their values shares the nearest cache with the weights. Few
#: lanes lose: what a message's lanes sum up is put together for each. Measured on 128×512×784, two derivatives of an
#: RBF layer: 128 lanes 2.6 ms, 256 2.1, 512 1.7; 1024 the same as 512.
_LANES = 512, 256, 128
_VALUES = 8192


def lanes(rows: int) -> int:
    """How many lanes are gone through together, of which so many rows of values are kept."""
    return next((count for count in _LANES if count * rows <= _VALUES), _LANES[-1])


class Lane:
    """One of the examples that are gone through together: its names in the kernel's text.

    Args:
        number: which of them.
        lanes: how many receivers are gone through together.
        types: of the locals.
        slots: local → its place in C, for those that are kept between the stages.
        hazards: receives what the kernel has to look out for.
    """

    def __init__(
        self, number: int, lanes: int, types: Mapping[str, Type], slots: Mapping[str, int], hazards: Hazards
    ) -> None:
        self.number = number
        self.lanes = lanes
        self.types = types
        self.slots = slots
        names = {
            "input": f"x{number}", "weight": "w", "is_bias": "(s < bias)", "sender": "(int64(s) - bias)",
            "index": "index", "count": "int64(incoming)", "drawn": "drawn[j]",
        }  # fmt: skip
        own = {f"{name}__{number}": kind for name, kind in types.items()}
        self.spelling = Spelling(own, names, hazards)

    def local(self, name: str) -> str:
        """A local's name for this example."""
        return local_name(f"{name}__{self.number}")

    def typed(self, value: Expr, kind: Type) -> str:
        """The text of a value, of the type wanted."""

        def renamed(expression: Expr) -> Expr:
            return Local(f"{expression.name}__{self.number}") if isinstance(expression, Local) else expression

        return self.spelling.typed(rewrite(value, renamed), kind)

    def lines(self, body: Body) -> Iterator[str]:
        """The lines of statements that compute locals."""
        for statement in body:
            match statement:
                case Assign(name, value):
                    yield f"{self.local(name)} = {self.typed(value, self.types[name])}"
                case If(condition, then, otherwise):
                    yield f"if {self.typed(condition, Type.BOOL)}:"
                    yield from self._nested(then)
                    yield "else:"
                    yield from self._nested(otherwise)
                case RangeLoop(name, start, stop, step, inner):
                    bounds = ", ".join(self.typed(bound, Type.INT) for bound in (start, stop, step))
                    yield f"for {self.local(name)} in range({bounds}):"
                    yield from self._nested(inner)
                case While(inner):
                    yield "while True:"
                    yield from self._nested(inner)
                case Break() | Continue():
                    yield type(statement).__name__.lower()

    def _nested(self, body: Body) -> Iterator[str]:
        yield from ("    " + line for line in self.lines(body))
        if not body:
            yield "    pass"

    def slot(self, name: str) -> str:
        """Where a lane's value is kept."""
        return f"C[{(self.number * len(self.slots) + self.slots[name]) * self.lanes} + j]"

    def stored(self, name: str) -> str:
        """What is kept there."""
        return from_float(self.slot(name), self.types[name])


def from_float(text: str, kind: Type) -> str:
    """What was kept as a floating-point number, of its own type."""
    return {Type.FLOAT: text, Type.INT: f"int64({text})", Type.BOOL: f"({text} != 0)"}[kind]
