"""How much there is to do: arithmetic counted from the NIR, bytes from the arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ..nir.expressions import Binary, Call, Const, Draw, Expr, Field, Select, SynapseDraw, Unary
from ..nir.statements import Body, If, MessageLoop, RangeLoop, Stmt
from ..nir.trees import bodies, own_expressions, subexpressions


@dataclass(frozen=True)
class Work:
    """What a call does.

    Args:
        flops: additions, multiplications, divisions, comparisons and selections.
        functions: calls of functions such as exp and sqrt, powers among them.
        draws: random numbers.
        bytes: size of the arrays that it reads, and of those that it writes.
    """

    flops: int = 0
    functions: int = 0
    draws: int = 0
    bytes: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.flops + other.flops,
            self.functions + other.functions,
            self.draws + other.draws,
            self.bytes + other.bytes,
        )

    def times(self, count: int) -> Work:
        """The same so many times."""
        return Work(self.flops * count, self.functions * count, self.draws * count, self.bytes * count)


NO_WORK = Work()


def total(works: Iterable[Work]) -> Work:
    """All of it together."""
    return reduce(add, works, NO_WORK)


def moved(arrays: Iterable[Any]) -> int:
    """Bytes of the arrays among these arguments; one that is read and written stands there twice."""
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


@dataclass(frozen=True)
class Arithmetic:
    """What a method does for one neuron and example: once, and for each message of the loops that are left in it."""

    once: Work = NO_WORK
    message: Work = NO_WORK

    def __add__(self, other: Arithmetic) -> Arithmetic:
        return Arithmetic(self.once + other.once, self.message + other.message)

    def times(self, count: int) -> Arithmetic:
        """The same so many times."""
        return Arithmetic(self.once.times(count), self.message.times(count))

    def work(self, items: int, messages: int) -> Work:
        """Its work, without bytes.

        Args:
            items: neurons times examples.
            messages: of each neuron.
        """
        return (self.once + self.message.times(messages)).times(items)


NO_ARITHMETIC = Arithmetic()


def arithmetic(body: Body) -> Arithmetic:
    """The arithmetic of a method as it is written.

    Of two branches the longer one counts; a loop of unknown length (``while``, a range of variable bounds) counts as
    if it ran once.
    """
    return reduce(add, map(_statement, body), NO_ARITHMETIC)


def _statement(statement: Stmt) -> Arithmetic:
    own = Arithmetic(total(map(work_of, own_expressions(statement))))
    inner = [arithmetic(nested) for nested in bodies(statement)]
    match statement:
        case If():
            return own + max(inner, key=_weight)
        case MessageLoop():
            return own + Arithmetic(message=inner[0].once + inner[0].message)
        case RangeLoop(_, Const(start), Const(stop), Const(step)) if step:
            return own + inner[0].times(max(0, math.ceil((stop - start) / step)))
    return reduce(add, inner, own)


def _weight(found: Arithmetic) -> tuple[int, int]:
    messages, once = found.message, found.once
    return messages.flops + messages.functions, once.flops + once.functions + once.draws


#: Functions that are one instruction or two.
_CHEAP = frozenset(
    {"abs", "fabs", "min", "max", "float", "bool", "sign", "copysign", "floor", "ceil", "trunc", "round", "isnan",
     "isinf", "isfinite"}
)  # fmt: skip
_PRODUCTS = frozenset({"input_gradient", "weight_gradient"})


def work_of(expression: Expr) -> Work:
    """The arithmetic of an expression."""
    return total(map(_node, subexpressions(expression)))


def _node(expression: Expr) -> Work:
    match expression:
        case Binary("**") | Call():
            cheap = isinstance(expression, Call) and expression.function in _CHEAP
            return Work(flops=1) if cheap else Work(functions=1)
        case Unary() | Binary() | Select() | SynapseDraw():
            return Work(flops=1)
        case Draw():
            return Work(draws=1)
        case Field(name) if name in _PRODUCTS:
            return Work(flops=1)
    return NO_WORK
