"""NIR expressions → the text of numba code, with the types that keep it in the network's precision."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..capture.tables import certain
from ..nir.expressions import (
    Binary,
    Call,
    Const,
    Count,
    Element,
    Expr,
    Field,
    Gemm,
    Hyper,
    Index,
    Local,
    Output,
    Select,
    Slope,
    Stored,
    SynapseDraw,
    SynapseField,
    Type,
    Unary,
    Uniform,
)
from ..nir.intrinsics import INTRINSICS
from ..nir.types import type_of
from .hazards import Hazards

#: Text of the values that a kernel has ready: message fields, index, output, slope, sums.
Names = Mapping[str, str]

#: Constants that modules have ready, in the network's precision: a cast is a call that numba types and lowers.
READY = {"0.0": "ZERO", "1.0": "ONE"}
CASTS = {Type.FLOAT: "real", Type.INT: "int64", Type.BOOL: "bool_"}
_WRAPPING = {"+": "add", "-": "subtract", "*": "multiply"}
_COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}


def local_name(name: str) -> str:
    """A NIR local as a Python identifier."""
    return "self_" + name[5:] if name.startswith("self.") else "v_" + name


class Spelling:
    """Writes expressions for one kernel.

    Args:
        types: types of the locals.
        names: the texts of what is no local.
        hazards: receives what the kernel has to look out for.
        sums: the texts of the sums over messages.
        own: the texts of locals that are not called as `local_name` says.
    """

    def __init__(
        self,
        types: Mapping[str, Type],
        names: Names,
        hazards: Hazards,
        sums: Mapping[Gemm, str] | None = None,
        own: Names | None = None,
    ) -> None:
        self.types = dict(types)
        self.hazards = hazards
        self.names = names
        self.sums = sums or {}
        self.own = own or {}

    def type(self, expression: Expr) -> Type:
        return type_of(expression, self.types)

    def typed(self, expression: Expr, wanted: Type) -> str:
        """The expression, of the type wanted."""
        if isinstance(expression, Const):
            return _constant(expression.value, wanted)
        text = self.text(expression)
        found = self.type(expression)
        if found is wanted:
            return text
        return f"({text} != 0)" if wanted is Type.BOOL else f"{CASTS[wanted]}({text})"

    def condition(self, expression: Expr) -> str:
        """The expression's truth."""
        return self.typed(expression, Type.BOOL)

    def text(self, expression: Expr) -> str:
        """The expression, of its own type."""
        match expression:
            case Const(value):
                return _constant(value, self.type(expression))
            case Local(name):
                return self.own.get(name) or local_name(name)
            case Hyper(name):
                return f"h_{name}"
            case Stored(name):
                return f"T_{name}[i]"
            case SynapseDraw(trials, chance):
                return self._synapse_draw(trials, chance)
            case SynapseField(name):
                return f"m_{name}"
            case Uniform(name) | Field(name):
                return self.names.get(name, name)
            case Index():
                return self.names["index"]
            case Output():
                return self.names["output"]
            case Slope():
                return self.names["slope"]
            case Gemm():
                return self.sums[expression]
            case Count():
                return self.names["count"]
            case Unary("not", operand):
                return f"(not {self.condition(operand)})"
            case Unary(_, operand):
                return f"(-{self.typed(operand, self.type(expression))})"
            case Binary():
                return self._binary(expression)
            case Select(condition, then, otherwise):
                kind = self.type(expression)
                return f"({self.typed(then, kind)} if {self.condition(condition)} else {self.typed(otherwise, kind)})"
            case Element():
                return self._element(expression)
            case Call(function, arguments):
                return self._call(function, arguments, self.type(expression))
        raise AssertionError(f"{expression} has no spelling here")

    def _element(self, element: Element) -> str:
        table = f"c_{element.table}"
        places = []
        for axis, index in enumerate(element.indices):
            text = self.typed(index, Type.INT)
            if not certain(index):
                message = f"{element.spelled}: index {{value}} is out of range, axis {axis} has the size {{size}}"
                code = self.hazards.code(message, element.where)
                text = f"place({text}, {table}.shape[{axis}], status, {code})"
            places.append(text)
        return f"{table}[{', '.join(places)}]"

    def _synapse_draw(self, trials: Expr, chance: Expr) -> str:
        number = self.typed(trials, Type.FLOAT)
        if "drawn" not in self.names:  # no weights, no synapses
            return number
        bits, p = self.names["drawn"], self.typed(chance, Type.FLOAT)
        one = trials == Const(1)
        drawn = f"bernoulli_of({bits}, {p})" if one else f"binomial_of({bits}, {self.typed(trials, Type.INT)}, {p})"
        return f"({number} if {self.names['is_bias']} else real({drawn}))"

    def _binary(self, expression: Binary) -> str:
        op, left, right = expression.op, expression.left, expression.right
        kind = self.type(expression)
        if op in _COMPARISONS:
            both = max(self.type(left), self.type(right))
            return f"({self.typed(left, both)} {op} {self.typed(right, both)})"
        if op in ("and", "or"):
            if kind is Type.BOOL:
                return f"({self.text(left)} {op} {self.text(right)})"
            first, second = self.typed(left, kind), self.typed(right, kind)
            then, otherwise = (second, first) if op == "and" else (first, second)
            return f"({then} if {self.condition(left)} else {otherwise})"
        if op == "**" and isinstance(right, Const) and isinstance(right.value, int) and right.value >= 0:
            return f"({self.typed(left, kind)} ** {right.value})"
        if kind is Type.INT and op in _WRAPPING:
            return f"{_WRAPPING[op]}({self.typed(left, kind)}, {self.typed(right, kind)})"
        return f"({self.typed(left, kind)} {op} {self.typed(right, kind)})"

    def _call(self, function: str, arguments: tuple[Expr, ...], kind: Type) -> str:
        entry = INTRINSICS[function]
        if function in ("min", "max"):
            text = self.typed(arguments[0], kind)
            for argument in arguments[1:]:
                text = f"{function}({text}, {self.typed(argument, kind)})"
            return text
        wanted = kind if entry.result is None else Type.FLOAT
        filled = entry.template.format(*(self.typed(argument, wanted) for argument in arguments))
        return f"real({filled})" if entry.result is Type.FLOAT else filled


def _constant(value: float | int | bool, wanted: Type) -> str:
    if wanted is Type.BOOL:
        return str(bool(value))
    if wanted is Type.INT:
        return f"int64({int(value)})"
    if math.isinf(value) or math.isnan(value):
        return f"real(math.{'nan' if math.isnan(value) else 'inf'})" if not value < 0 else "real(-math.inf)"
    text = repr(float(value))
    return READY.get(text) or f"real({text})"
