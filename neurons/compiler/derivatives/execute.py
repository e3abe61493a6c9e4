"""NIR run in Python for one neuron, in float64: a `forward` with what it leaves, and the derivatives by messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ...neuron import ForwardMessage
from ..nir.expressions import (
    Binary,
    Call,
    Const,
    Count,
    Draw,
    Element,
    Expr,
    Field,
    Hyper,
    Index,
    Local,
    Select,
    Stored,
    SynapseDraw,
    Type,
    Unary,
    Uniform,
)
from ..nir.literals import whole_power, wrapped
from ..nir.statements import Assign, Body, Break, Continue, FeedForward, If, MessageLoop, RangeLoop, Stmt, While
from .adjoint import Reverse, Sweep

Vector = NDArray[np.float64]

_RENAMED = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2", "pow": "float_power",
}  # fmt: skip
_OWN: dict[str, Callable[..., Any]] = {
    "erf": special.erf, "erfc": special.erfc, "gamma": special.gamma, "lgamma": special.gammaln,
    "float": np.float64, "bool": bool, "abs": abs, "min": min, "max": max,
    "floor": lambda x: _whole(np.floor(x)), "ceil": lambda x: _whole(np.ceil(x)),
    "trunc": lambda x: _whole(np.trunc(x)), "round": lambda x: _whole(np.rint(x)),
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    # Truth values of Python, with which one can reckon; not of NumPy.
    "<": lambda a, b: bool(a < b), "<=": lambda a, b: bool(a <= b), ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b), "==": lambda a, b: bool(a == b), "!=": lambda a, b: bool(a != b),
    "+": lambda a, b: wrapped(a + b), "-": lambda a, b: wrapped(a - b), "*": lambda a, b: wrapped(a * b),
    "/": lambda a, b: np.float64(a) / np.float64(b),
    "//": lambda a, b: np.floor_divide(a, b), "%": lambda a, b: np.mod(a, b),
    "**": lambda a, b: _power(a, b),
}  # fmt: skip


def _power(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, int) or exponent < 0:
        return np.float_power(base, exponent)
    return whole_power(base, exponent) if isinstance(base, int) else base**exponent


def _whole(value: Any) -> int:
    return int(value) if np.isfinite(value) else 0


class Execution:
    """One neuron and example.

    Args:
        numbers: hyperparameters and what the training loop sets, by name.
        stored: the neuron's states from before the batch, by name.
        tables: the arrays from outside of the class, by the names that kernels have for them.
        index: the neuron's index.
        messages: the incoming messages.
        draw: kind, arguments → a random draw.
    """

    def __init__(
        self,
        numbers: Mapping[str, float | int | bool],
        stored: Mapping[str, float],
        tables: Mapping[str, NDArray[Any]],
        index: int,
        messages: Sequence[ForwardMessage],
        draw: Callable[..., float],
    ) -> None:
        self.numbers = numbers
        self.stored = stored
        self.tables = tables
        self.index = index
        self.messages = messages
        self.draw = draw
        self.locals: dict[str, Any] = {}
        self.output: Any = 0.0
        self.message: ForwardMessage | None = None

    def forward(self, body: Body) -> float:
        """Run a method; returns what it feeds forward. Its locals stay."""
        with np.errstate(all="ignore"):
            self._body(body)
        return float(self.output)

    def derivative(self, code: Body, value: Expr) -> float:
        """The value of an expression behind straight code, which reads what `forward` left."""
        with np.errstate(all="ignore"):
            self._body(code)
            return float(self._value(value))

    def gradients(self, messages: Reverse, name: str, delta: float) -> tuple[Vector, Vector]:
        """∂cost/∂input and ∂cost/∂weight of each message.

        Args:
            messages: what leads to them.
            name: the local that `delta` is given to.
            delta: ∂cost/∂cut.
        """
        found = np.zeros((2, len(self.messages)))
        self.locals[name] = np.float64(delta)
        with np.errstate(all="ignore"):
            for piece in messages.pieces:
                if isinstance(piece, Sweep):
                    self._sweep(piece, found)
                else:
                    self._statement(piece)
        return found[0], found[1]

    # Derivatives -------------------------------------------------------------------------------------------------

    def _sweep(self, sweep: Sweep, found: Vector) -> None:
        trajectory = self._trajectory(sweep)
        self._together((item.name, item.initial) for item in sweep.adjoints)
        for name, _ in sweep.sums:
            self.locals[name] = np.float64(0.0)
        for position in range(len(self.messages) - 1, -1, -1):
            self.message = self.messages[position]
            self.locals |= trajectory[position]
            self._body(sweep.steps)
            found[0, position] += self._value(sweep.input_gradient)
            found[1, position] += self._value(sweep.weight_gradient)
            for name, part in sweep.sums:
                self.locals[name] += self._value(part)
            self._together((item.name, item.next) for item in sweep.adjoints)

    def _trajectory(self, sweep: Sweep) -> list[dict[str, Any]]:
        """For each message, the values carried to it."""
        self._together((item.entry, item.initial) for item in sweep.recomputed)
        found: list[dict[str, Any]] = []
        for message in self.messages:
            self.message = message
            found.append({item.entry: self.locals[item.entry] for item in sweep.recomputed})
            self._body(sweep.recomputing)
            self._together((item.entry, item.next) for item in sweep.recomputed)
        return found

    def _together(self, assigned: Iterable[tuple[str, Expr]]) -> None:
        self.locals |= {name: self._value(value) for name, value in assigned}

    # Statements: each returns the Break or Continue that ends the body, if one does ---------------------------------

    def _body(self, body: Body) -> Stmt | None:
        for statement in body:
            left = self._statement(statement)
            if left is not None:
                return left
        return None

    def _statement(self, statement: Stmt) -> Stmt | None:
        match statement:
            case Assign(name, Draw(kind, arguments)):
                self.locals[name] = np.float64(self.draw(kind, *map(self._value, arguments)))
            case Assign(name, value):
                self.locals[name] = self._value(value)
            case FeedForward(value):
                self.output = self._value(value)
            case If(condition, then, otherwise):
                return self._body(then if self._value(condition) else otherwise)
            case MessageLoop(body):
                for message in self.messages:
                    self.message = message
                    if isinstance(self._body(body), Break):
                        break
            case RangeLoop(name, start, stop, step, body):
                for number in range(*(int(self._value(bound)) for bound in (start, stop, step))):
                    self.locals[name] = number
                    if isinstance(self._body(body), Break):
                        break
            case While(body):
                while not isinstance(self._body(body), Break):
                    pass
            case Break() | Continue():
                return statement
        return None

    # Values ------------------------------------------------------------------------------------------------------

    def _value(self, expression: Expr) -> Any:
        match expression:
            case Const(value):
                return np.float64(value) if isinstance(value, float) else value
            case Local(name):
                return self.locals.get(name, 0.0)
            case Hyper(name, kind):
                return np.float64(self.numbers[name]) if kind is Type.FLOAT else self.numbers[name]
            case Uniform(name):
                value = self.numbers[name]
                return np.float64(value) if isinstance(value, float) else value
            case Field(name):
                value = getattr(self.message, name)
                return value if isinstance(value, (bool, int)) else np.float64(value)
            case SynapseDraw(trials, chance):
                assert self.message is not None
                return np.float64(self.message.binomial(self._value(trials), self._value(chance)))
            case Stored(name):
                return np.float64(self.stored[name])
            case Element(table, _, indices):
                item = self.tables[f"c_{table}"][tuple(int(self._value(index)) for index in indices)]
                return item if isinstance(item, np.floating) else item.item()
            case Index():
                return self.index
            case Count():
                return len(self.messages)
            case Unary(op, operand):
                return -self._value(operand) if op == "-" else not self._value(operand)
            case Binary("and", left, right):
                return self._value(left) and self._value(right)
            case Binary("or", left, right):
                return self._value(left) or self._value(right)
            case Binary(op, left, right):
                return _ARITHMETIC[op](self._value(left), self._value(right))
            case Select(condition, then, otherwise):
                return self._value(then if self._value(condition) else otherwise)
            case Call(function, arguments):
                return _function(function)(*(self._value(argument) for argument in arguments))
        raise AssertionError(f"{expression} has no value in forward")


def _function(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = _OWN.get(name) or getattr(np, _RENAMED.get(name, name))
    return found
