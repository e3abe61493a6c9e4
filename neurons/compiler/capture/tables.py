"""Arrays of numbers from outside of the class that a neuron reads items of: globals, closures, class attributes.

They are arguments of the kernels. What they hold is looked up at each start of an engine, and changes no code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NeuronError
from ...spec import Precision
from ..nir.expressions import Const, Element, Expr, Field, Index, Type
from ..nir.statements import Body
from ..nir.trees import own_expressions, subexpressions, walk
from ..operations.buffers import dtypes

_TYPES = {"b": Type.BOOL, "i": Type.INT, "u": Type.INT, "f": Type.FLOAT}


@dataclass(frozen=True)
class Table:
    """An array as the compiler knows it.

    Args:
        name: what the user calls it, made unique within the class.
        type: of its items.
        dimensions: number of its axes.
        look: finds it again.
    """

    name: str
    type: Type
    dimensions: int
    look: Callable[[], Any] = field(compare=False, repr=False)

    def read(self, precision: Precision) -> NDArray[Any]:
        """What it holds now, a copy for a network of this precision.

        Raises:
            NeuronError: it is of another type or has other dimensions than when the class was compiled.
        """
        now = self.look()
        if kind_of(now) != (self.type, self.dimensions):
            raise NeuronError(
                f"{self.name} had {self.dimensions} dimensions and items of type {self.type.name.lower()} when it was "
                f"compiled, and is {now!r} now: build the network anew"
            )
        return np.array(now, dtypes(precision)[self.type], order="C")


def kind_of(value: Any) -> tuple[Type, int] | None:
    """Type of the items and number of axes of an array, list or tuple of numbers; None for anything else."""
    if isinstance(value, (list, tuple)):
        try:
            value = np.array(value)
        except ValueError:  # ragged
            return None
    if not isinstance(value, np.ndarray) or value.ndim == 0 or value.dtype.kind not in _TYPES:
        return None
    return _TYPES[value.dtype.kind], value.ndim


class Tables(dict[str, Table]):
    """The tables of a class, by name."""

    def of(self, name: str, value: Any, look: Callable[[], Any]) -> Table | None:
        """The table for a value; None where it is no array of numbers.

        Args:
            name: what the user calls it.
            value: the array.
            look: finds it again.
        """
        kind = kind_of(value)
        if kind is None:
            return None
        unique, number = name, 1
        while unique in self and self[unique].look() is not value:
            number += 1
            unique = f"{name}{number}"
        return self.setdefault(unique, Table(unique, *kind, look))

    def now(self, precision: Precision) -> dict[str, Any]:
        """What they hold now, by the names that kernels have for them.

        Raises:
            NeuronError: one of them has changed its type or dimensions.
        """
        return {f"c_{name}": table.read(precision) for name, table in self.items()}


@dataclass(frozen=True)
class Sizes:
    """How far the indices of a layer go: its neurons, the senders before it, the receivers behind it."""

    neurons: int
    senders: int
    receivers: int


def reach(index: Expr, sizes: Sizes) -> int | None:
    """The size that an axis needs for an index; None where only a run tells."""
    match index:
        case Const(int() as place):
            return place + 1 if place >= 0 else -place
        case Index():
            return sizes.neurons
        case Field("sender"):
            return sizes.senders
        case Field("receiver"):
            return sizes.receivers
    return None


def certain(index: Expr) -> bool:
    """True where `reach` tells how far an index goes, so that no run needs to look."""
    return reach(index, Sizes(1, 1, 1)) is not None


def check_shapes(bodies: tuple[Body, ...], tables: Mapping[str, NDArray[Any]], sizes: Sizes, layer: str) -> None:
    """Refuse arrays that are too small for the layer, where that is known before a run.

    Args:
        bodies: the methods.
        tables: the arrays, by the names that kernels have for them.
        sizes: those of the layer.
        layer: the layer in words.

    Raises:
        NeuronError: with the line that reads the item.
    """
    elements = (
        (part, statement.where)
        for body in bodies
        for statement in walk(body)
        for whole in own_expressions(statement)
        for part in subexpressions(whole)
        if isinstance(part, Element)
    )
    for part, place in elements:
        found = tables[f"c_{part.table}"].shape
        # An empty array has no item even for an index that is out of its range.
        needed = tuple(max(reach(index, sizes) or 1, 1) for index in part.indices)
        if any(size < least for size, least in zip(found, needed, strict=True)):
            raise NeuronError(
                f"{part.table} has the shape {found}, and {part.spelled} in {layer} needs {needed} or more",
                part.where or place,
            )


def table_names(*expressions: Expr) -> list[str]:
    """The arguments of a kernel for the arrays that expressions read."""
    parts = (part for expression in expressions for part in subexpressions(expression))
    return sorted({f"c_{part.table}" for part in parts if isinstance(part, Element)})
