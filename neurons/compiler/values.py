"""What an expression of the user's source can denote while it is lowered, beside a scalar of the NIR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .nir import Expr


@dataclass(frozen=True)
class Object:
    """A Python object known at compile time: a module, a function, an activation."""

    value: Any


@dataclass(frozen=True)
class SelfRef:
    """The neuron; with `after`, ``super()``: attributes are looked up behind that class."""

    after: type | None = None


@dataclass(frozen=True)
class MessagesRef:
    """The messages of the method."""


@dataclass(frozen=True)
class MessageRef:
    """The message at hand, within the loop number `loop`."""

    loop: int


@dataclass(frozen=True)
class ActivationRef:
    """``self.activation``."""


@dataclass(frozen=True)
class Method:
    """A method of the neuron or its activation, named but not yet called."""

    owner: SelfRef | ActivationRef
    name: str


@dataclass(frozen=True)
class TupleValue:
    """Several values; exists only to be unpacked or returned."""

    items: tuple[Value, ...]


Value = Expr | Object | SelfRef | MessagesRef | MessageRef | ActivationRef | Method | TupleValue
