"""The user's code, in the network's precision: the same functions, line by line, with every number of one NumPy type.

Arithmetic of ``np.float32`` with each other and with integers stays float32 and follows IEEE 754 (an overflow is an
infinity and no exception); likewise float64's. So it is enough that no other floating-point number comes in. There are
three ways for one to do so, and a copy of each function closes them: literals, which are rounded; what `math` returns
(see `ieee`); and constants outside of the function, its globals and closure. What the function calls is copied
likewise: helper functions, and the methods of base classes. Lines and file names stay, and with them breakpoints and
tracebacks.

Whole numbers and truth values are those of compiled code, by operators of their own (see `whole`).

A copy sees the globals as they were when the engine was made.
"""

from __future__ import annotations

import copy
import math
import sys
from abc import update_abstractmethods
from collections.abc import Iterator
from contextlib import suppress
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MemberDescriptorType
from typing import Any, TypeVar

from ..activations.base import Activation
from ..costs.base import Cost
from ..neuron import Neuron
from .ieee import ieee_functions, ieee_math
from .numbers import Numbers
from .rewriting import operator_names, rewritten

T = TypeVar("T")

#: Where copying ends: these speak to the interpreter, or are not the user's.
_BASES = (object, Neuron, Activation, Cost)
_LIBRARIES = sys.stdlib_module_names - {"__main__"} | {"numpy", "scipy", "numba"}
#: What a class has of itself and does not pass on to a copy.
_OWN = frozenset({"__dict__", "__weakref__", "__slotnames__", "_abc_impl", "__abstractmethods__"})


class Copies:
    """Makes the copies, one of each function and class.

    Args:
        numbers: what they compute in.
    """

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self._copies: dict[Any, Any] = {}

    def copy_class(self, cls: type[T]) -> type[T]:
        """The class with its methods and numbers, and those of its bases, rounded."""
        if cls in _BASES or _of_a_library(cls):
            return cls
        if cls not in self._copies:
            metaclass: Any = type(cls)
            twin = metaclass(cls.__name__, tuple(self.copy_class(base) for base in cls.__bases__), {})
            self._copies[cls] = twin  # before its methods, which may name the class
            for name, member in _members(cls).items():
                if name not in _OWN and not isinstance(member, MemberDescriptorType):
                    setattr(twin, name, self._copy(member))
            update_abstractmethods(twin)
        found: type[T] = self._copies[cls]
        return found

    def copy_object(self, original: T) -> T:
        """An object of the class's copy, with the object's own numbers rounded."""
        cls, slots = self.copy_class(type(original)), _slots(original)
        if slots:  # its class's copy has none, and another layout
            twin = object.__new__(cls)
        else:
            twin = copy.copy(original)
            twin.__class__ = cls
        held = {**vars(original), **slots}
        vars(twin).update({name: self.numbers.rounded(value) for name, value in held.items()})
        return twin

    def _copy(self, value: Any) -> Any:
        if value is math:
            return ieee_math(self.numbers)
        if isinstance(value, BuiltinFunctionType):
            return ieee_functions(self.numbers).get(value, value)
        if isinstance(value, FunctionType):
            return self._copy_function(value)
        if isinstance(value, (staticmethod, classmethod)):
            return type(value)(self._copy(value.__func__))
        if isinstance(value, property):
            return property(self._copy(value.fget), self._copy(value.fset), self._copy(value.fdel))
        if isinstance(value, type) and issubclass(value, (Neuron, Activation, Cost)):
            return self.copy_class(value)
        return self.numbers.rounded(value)

    def _copy_function(self, function: FunctionType) -> FunctionType:
        if _of_a_library(function):
            return function
        if function not in self._copies:
            scope = dict(function.__globals__) | operator_names(self.numbers)
            code = rewritten(function)
            free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
            cells = {name: CellType() for name in code.co_freevars}
            closure = tuple(cells.values()) or None
            twin = FunctionType(self._literals_rounded(code), scope, function.__name__, closure=closure)
            self._copies[function] = twin  # before what it names, which may name it
            twin.__defaults__ = self.numbers.rounded(function.__defaults__)
            twin.__kwdefaults__ = function.__kwdefaults__
            scope |= {name: self._copy(scope[name]) for name in _names(function.__code__) if name in scope}
            scope["float"] = self.numbers.kind
            for name, cell in cells.items():
                with suppress(ValueError):  # of an empty cell: nothing has been assigned to that name yet
                    cell.cell_contents = self._copy(free[name].cell_contents)
        found: FunctionType = self._copies[function]
        return found

    def _literals_rounded(self, code: CodeType) -> CodeType:
        rounded = self.numbers.rounded
        return code.replace(
            co_consts=tuple(
                self._literals_rounded(it) if isinstance(it, CodeType) else rounded(it) for it in code.co_consts
            )
        )


def _members(cls: type) -> dict[str, Any]:
    """What a class itself defines, as of now: `copy` notes something in it where it first sees an object of it."""
    return dict(vars(cls))


def _slots(thing: Any) -> dict[str, Any]:
    """What an object holds in slots, by name."""
    found = {}
    for cls in reversed(type(thing).__mro__):
        for name, member in _members(cls).items():
            if isinstance(member, MemberDescriptorType):
                with suppress(AttributeError):  # nothing has been assigned to it
                    found[name] = member.__get__(thing)
    return found


def _of_a_library(thing: Any) -> bool:
    return str(thing.__module__).partition(".")[0] in _LIBRARIES


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function looks up, those of functions written inside of it included."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
