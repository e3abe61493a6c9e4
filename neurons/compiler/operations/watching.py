"""Who looks on while a network runs: every operation of an engine may be replaced by one that watches it.

What explains a step and what measures it see the very operations that the step is made of, in their order. An engine
that nobody watches runs them as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from .operation import Operation, Values
from .work import Arithmetic, Work

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    D = TypeVar("D", bound=DataclassInstance)
else:
    D = TypeVar("D")


@dataclass(frozen=True)
class Place:
    """Where an operation belongs.

    Args:
        layer: index of the layer.
        method: which of its methods: "forward", "backward", "push", …; "cost" and "weights" are what is no method.
    """

    layer: int
    method: str


class Watched(Operation):
    """An operation that somebody watches; it describes itself as before, and is run by a subclass.

    Args:
        place: where it belongs.
        operation: the operation.
    """

    def __init__(self, place: Place, operation: Operation) -> None:
        self.place = place
        self.operation = operation

    @property
    def kind(self) -> str:
        return self.operation.kind

    @property
    def label(self) -> str:
        return self.operation.label

    @property
    def each(self) -> Arithmetic:
        return self.operation.each

    def work(self, values: Values) -> Work:
        return self.operation.work(values)

    def sizes(self, values: Values) -> str:
        return self.operation.sizes(values)


#: Makes of an operation the one that runs in its place.
Watch = Callable[[Place, Operation], Operation]


def unwatched(place: Place, operation: Operation) -> Operation:
    """The operation itself."""
    return operation


def watched(operations: D, layer: int, watch: Watch, method: str | None = None) -> D:
    """A dataclass of operations and methods, each of them watched.

    Args:
        operations: the dataclass; fields that are no operations stay.
        layer: the layer that they belong to.
        watch: who watches.
        method: what to call their method; None: a field's own name.
    """
    found: dict[str, Any] = {}
    for item in fields(operations):
        value, place = getattr(operations, item.name), Place(layer, method or item.name)
        if isinstance(value, Operation):
            found[item.name] = watch(place, value)
        elif isinstance(value, tuple) and all(isinstance(part, Operation) for part in value):
            found[item.name] = tuple(watch(place, part) for part in value)
    return replace(operations, **found)
