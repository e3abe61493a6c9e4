"""What an expression of the user's source can denote while it is lowered, beside a scalar of the NIR."""

from __future__ import annotations

from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..nir.expressions import Const, Expr
from .tables import Table


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
    """A method of the neuron, its activation or a message, named but not yet called."""

    owner: SelfRef | ActivationRef | MessageRef
    name: str


@dataclass(frozen=True)
class TupleValue:
    """Several values; exists only to be unpacked or returned."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class TableRef:
    """An array of numbers, indexed so far by `indices`."""

    table: Table
    indices: tuple[Expr, ...] = ()


Value = Expr | TableRef | Object | SelfRef | MessagesRef | MessageRef | ActivationRef | Method | TupleValue


def known(value: Any) -> Value:
    """A Python value met at compile time: numbers are constants."""
    if isinstance(value, (bool, np.bool_)):
        return Const(bool(value))
    if isinstance(value, (int, np.integer)):
        number = int(value)
        return Const(number if -(1 << 63) <= number < 1 << 63 else float(number))
    if isinstance(value, (float, np.floating)):
        return Const(float(value))
    return Object(value)


def describe(value: Value) -> str:
    """What a value is, for errors."""
    match value:
        case Object(None):
            return "None"
        case Object(found) if isinstance(found, ModuleType):
            return f"module {found.__name__}"
        case Object(found) if isinstance(found, (FunctionType, BuiltinFunctionType)):
            return f"function {found.__name__}"
        case Object(found):
            return f"a {type(found).__name__}"
        case SelfRef():
            return "self"
        case MessagesRef():
            return "messages"
        case MessageRef():
            return "a message"
        case Method(_, name):
            return f"method {name}"
        case ActivationRef():
            return "self.activation"
        case TableRef(table):
            return f"the array {table.name}"
        case TupleValue():
            return "a tuple"
    return "a number"


def cure_of(value: Value) -> str:
    """What to write in place of a value that can do nothing; empty where that is not known."""
    match value:
        case Object(None):
            return "; what begins as None stays None: begin with a number, and of a message keep the numbers you need"
    return ""
