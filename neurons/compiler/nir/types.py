"""What is a float, what an integer: types of expressions, and of locals by fixed point over their assignments."""

from __future__ import annotations

from ...errors import NeuronError
from .expressions import (
    FIELDS,
    UNIFORMS,
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
    Type,
    Unary,
    Uniform,
)
from .intrinsics import INTRINSICS
from .statements import Assign, Body, RangeLoop
from .trees import own_expressions, subexpressions, walk

_COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}


def type_of(expression: Expr, locals_: dict[str, Type]) -> Type:
    """The type of an expression, given those of the locals."""
    match expression:
        case Const(value):
            return Type.BOOL if isinstance(value, bool) else Type.INT if isinstance(value, int) else Type.FLOAT
        case Local(name):
            return locals_.get(name, Type.BOOL)
        case Hyper(_, known) | Element(_, known):
            return known
        case Uniform(name):
            return UNIFORMS[name]
        case Field(name):
            return FIELDS[name][0]
        case Index() | Count():
            return Type.INT
        case Unary(op, operand):
            return Type.BOOL if op == "not" else max(type_of(operand, locals_), Type.INT)
        case Binary(op, left, right):
            return _binary(op, left, right, locals_)
        case Select(_, then, otherwise):
            return max(type_of(then, locals_), type_of(otherwise, locals_))
        case Call(function, arguments):
            result = INTRINSICS[function].result
            return result if result is not None else max(type_of(argument, locals_) for argument in arguments)
        case Draw():
            return Type.FLOAT
    return Type.FLOAT


def _binary(op: str, left: Expr, right: Expr, locals_: dict[str, Type]) -> Type:
    if op in _COMPARISONS:
        return Type.BOOL
    greater = max(type_of(left, locals_), type_of(right, locals_))
    if op in ("and", "or"):
        return greater
    if op == "/":
        return Type.FLOAT
    if op == "**":
        whole = isinstance(right, Const) and isinstance(right.value, int) and right.value >= 0
        return max(greater, Type.INT) if whole else Type.FLOAT
    return max(greater, Type.INT)


def infer_locals(body: Body, known: dict[str, Type] | None = None) -> dict[str, Type]:
    """The type of every local: the greatest of what is assigned to it.

    Args:
        body: a method.
        known: types of locals that come from outside (state kept by `forward`).
    """
    types: dict[str, Type] = dict(known or {})
    changed = True
    while changed:
        changed = False
        for statement in walk(body):
            match statement:
                case Assign(name, value):
                    found = type_of(value, types)
                case RangeLoop(name):
                    found = Type.INT
                case _:
                    continue
            if name not in types or found > types[name]:
                types[name] = found
                changed = True
    return types


def check_whole_numbers(body: Body) -> None:
    """Refuse ``range()`` of what is no whole number, and items of arrays by such an index.

    Raises:
        NeuronError: with the user's line.
    """
    types = infer_locals(body)
    for statement in walk(body):
        for part in (part for whole in own_expressions(statement) for part in subexpressions(whole)):
            if isinstance(part, Element) and any(type_of(index, types) is not Type.INT for index in part.indices):
                raise NeuronError(f"{part.spelled}: an index is a whole number, write int(...)", part.where)
        if isinstance(statement, RangeLoop):
            for bound in (statement.start, statement.stop, statement.step):
                if type_of(bound, types) is Type.FLOAT:
                    raise NeuronError(f"range() needs whole numbers, {bound} is none: write int(...)", statement.where)
