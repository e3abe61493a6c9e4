"""What is the same for all messages of a sweep, taken out of it: computed once for each neuron and example.

Derivatives are chains of products, their factors in the order of the chain rule. Those that no message changes are
multiplied first: of ``adjoint · (2 · (input - weight))`` the product ``adjoint · 2`` leaves the sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce

from ..nir.algebra import axes, depends_on_message, multiply
from ..nir.expressions import Axes, Binary, Element, Expr, Local, Type
from ..nir.statements import Assign, Stmt
from ..nir.trees import subexpressions, with_parts, writes
from ..nir.types import type_of
from .adjoint import Reverse, Sweep


def taken_outside(found: Reverse, types: Mapping[str, Type]) -> Reverse:
    """The same derivatives, with straight code before each sweep for what its messages have in common.

    Args:
        found: what leads to the derivatives.
        types: of the locals.
    """
    pieces: list[Assign | Sweep] = []
    names = 0
    for piece in found.pieces:
        if isinstance(piece, Sweep):
            outside = _Outside(piece, types, names)
            piece = outside.sweep()
            pieces += [Assign(local.name, value) for value, local in outside.known.items()]
            names += len(outside.known)
        pieces.append(piece)
    return replace(found, pieces=tuple(pieces))


class _Outside:
    """What one sweep has in common for all messages.

    Args:
        given: the sweep.
        types: of the locals.
        names: how many are taken already.
    """

    def __init__(self, given: Sweep, types: Mapping[str, Type], names: int) -> None:
        self.given = given
        self.types = dict(types)
        self.names = names
        self.changing = writes(given.steps) | writes(given.recomputing)
        self.changing |= {item.entry for item in given.recomputed} | {item.name for item in given.adjoints}
        self.changing |= {name for name, _ in given.sums}
        self.known: dict[Expr, Local] = {}

    def sweep(self) -> Sweep:
        """The sweep that is left."""
        given = self.given
        return replace(
            given,
            steps=tuple(self._step(step) for step in given.steps),
            adjoints=tuple(replace(item, next=self._moved(item.next)) for item in given.adjoints),
            input_gradient=self._moved(given.input_gradient),
            weight_gradient=self._moved(given.weight_gradient),
            sums=tuple((name, self._moved(part)) for name, part in given.sums),
        )

    def _step(self, step: Stmt) -> Stmt:
        # Loops stay as they are: what they share, the machine-code compiler moves before them.
        return replace(step, value=self._moved(step.value)) if isinstance(step, Assign) else step

    def _moved(self, value: Expr) -> Expr:
        """The value, what is the same for all messages replaced by a local."""
        if self._worth(value):
            return self._named(value)
        if isinstance(value, Binary) and value.op == "*":
            factors = list(self._factors(value))
            same = [part for part in factors if self._same(part) and self._float(part)]
            if self._float(value) and same and self._worth(together := reduce(multiply, same)):
                return reduce(multiply, [self._named(together), *(self._moved(p) for p in factors if p not in same)])
        return with_parts(value, self._moved)

    def _factors(self, value: Expr) -> Iterable[Expr]:
        """The factors of a product; whole numbers' products stay together, since they may wrap around."""
        if isinstance(value, Binary) and value.op == "*" and self._float(value):
            yield from self._factors(value.left)
            yield from self._factors(value.right)
        else:
            yield value

    def _same(self, value: Expr) -> bool:
        # Items of arrays stay: a run has to look out for their indices, where the user's code reads them.
        return not depends_on_message(value) and not any(
            isinstance(part, Element) or (isinstance(part, Local) and part.name in self.changing)
            for part in subexpressions(value)
        )

    def _worth(self, value: Expr) -> bool:
        """True for what costs something; what is one for the layer, the machine-code compiler moves by itself."""
        return bool(value.children and self._float(value) and axes(value, {}) != Axes.NONE and self._same(value))

    def _float(self, value: Expr) -> bool:
        return type_of(value, self.types) is Type.FLOAT

    def _named(self, value: Expr) -> Expr:
        return self.known.setdefault(value, Local(f"same__{self.names + len(self.known)}"))
