"""Emitted functions, before they are machine code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..operations.operation import Kernel, Operation, Pass
from ..operations.work import Arithmetic, Work


@dataclass(frozen=True)
class Emitted:
    """A kernel over examples and neurons.

    Args:
        name: the function's name.
        text: the whole function.
        arguments: their names, in order.
        arithmetic: what it does for one neuron and example.
        call: the kind of operation that calls it.
    """

    name: str
    text: str
    arguments: tuple[str, ...]
    arithmetic: Arithmetic
    call: type[Kernel] = Kernel

    def operation(self, function: Callable[..., Any]) -> Operation:
        """The call of the compiled function."""
        return self.call(self.name, function, self.arguments, self.arithmetic)


@dataclass(frozen=True)
class EmittedPass:
    """A pass over arrays that fills one of them.

    Args:
        name: the function's name.
        text: the whole function.
        arguments: their names, in order.
        out: the array that it fills.
        over: the array whose elements it goes through.
        each: what it does for each.
    """

    name: str
    text: str
    arguments: tuple[str, ...]
    out: str
    over: str
    each: Work

    def operation(self, function: Callable[..., Any]) -> Operation:
        """The call of the compiled function."""
        arrays = tuple(name for name in self.arguments if name[:1].isupper() and name != self.out)
        return Pass(self.name, function, self.arguments, self.over, self.each, arrays, (self.out,))
