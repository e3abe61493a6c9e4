"""Expressions of the user's source → scalars of the NIR, or the other things that they may denote.

Draws, calls of helpers and everything else with a place in time are lifted into statements before the one at hand, in
the order in which Python would evaluate them; what remains is pure.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ..nir.algebra import negate
from ..nir.evaluate import OPERATORS
from ..nir.expressions import Binary, Const, Element, Expr, Local, Output, Select, Unary
from ..nir.literals import literal, whole_power, wrapped
from ..nir.statements import Assign, FeedForward, If, Stmt
from ..nir.trees import subexpressions, walk, writes
from .calls import Calls
from .cures import refusal
from .frames import Scope
from .names import Inline, Names
from .subject import Subject
from .values import MessagesRef, Method, Object, TableRef, TupleValue, Value, cure_of, describe, known

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "==",
    ast.IsNot: "!=",
}  # fmt: skip


class Expressions:
    """Lowers expressions within a scope.

    Args:
        subject: the neuron class.
        scope: frames and statements.
        method: "forward" or "backward".
        inline: lowers the body of a called function in place.
        bind: binds a value to a name of the function.
    """

    def __init__(
        self,
        subject: Subject,
        scope: Scope,
        method: str,
        inline: Inline,
        bind: Callable[[str, Value, ast.expr], None],
    ) -> None:
        self.scope = scope
        self.bind = bind
        self.names = Names(subject, scope, method, inline)
        self.calls = Calls(subject, scope, method, inline, self)

    def scalar(self, node: ast.expr) -> Expr:
        """The node as a scalar.

        Raises:
            NeuronError: it denotes something else, or is not supported.
        """
        return self.as_scalar(self.value(node), node)

    def as_scalar(self, value: Value, node: ast.expr) -> Expr:
        """A value as the scalar that it must be."""
        if isinstance(value, Expr):
            return value
        written = ast.unparse(node)
        cure = f"; call it, {written}(...)" if isinstance(value, Method) else cure_of(value)
        raise self.scope.error(f"{describe(value)} stands where a number is needed: {written}{cure}", node)

    def scalars(self, nodes: Sequence[ast.expr]) -> list[Expr]:
        """Several nodes as scalars, evaluated in order."""
        return [self.as_scalar(value, node) for value, node in zip(self.values(nodes), nodes, strict=True)]

    def values(self, nodes: Sequence[ast.expr]) -> list[Value]:
        """What several nodes denote, evaluated in order: what a later one changes, an earlier one has read before."""
        found: list[Value] = []
        places: list[int] = []
        for node in nodes:
            found.append(self.value(node))
            places.append(len(self.scope.statements))
        # From the last: what is inserted for one value moves the places of those after it only.
        for position in reversed(range(len(found))):
            value, place = found[position], places[position]
            if isinstance(value, Expr) and _changed(value, self.scope.statements[place:]):
                name = self.scope.fresh("before")
                self.scope.statements.insert(place, Assign(name, value))
                found[position] = Local(name)
        return found

    def value(self, node: ast.expr) -> Value:
        """Whatever the node denotes."""
        number = literal(node)
        if number is not None:
            return Const(number)
        match node:
            case ast.Constant(value=bool() | float() as number):
                return known(number)
            case ast.Constant(value=None | str() as known_value):
                return Object(known_value)
            case ast.Name(id=name):
                return self.names.name(name, node)
            case ast.Attribute(value=owner, attr=name):
                return self.names.attribute(self.value(owner), name, node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                first, second = self.scalars([left, right])
                return _arithmetic(_BINARY[type(op)], first, second)
            case ast.Compare():
                return self._compare(node)
            case ast.BoolOp(op=op, values=values):
                return self._logic("and" if isinstance(op, ast.And) else "or", values)
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self._choice(test, then, otherwise)
            case ast.Tuple(elts=items):
                return TupleValue(tuple(self.values(items)))
            case ast.Call():
                return self.calls.call(node)
            case ast.NamedExpr(target=target, value=value):
                self.bind(target.id, self.value(value), node)
                return self.names.name(target.id, node)
            case ast.Subscript(value=of, slice=index):
                whole = self.value(of)
                if isinstance(whole, MessagesRef):
                    raise self.scope.error("messages have no numbers to be taken by: write for m in messages", node)
                found = self._item(whole, self.value(index), node)
                if found is not None:
                    return found
        raise self.scope.error(refusal(node), node)

    def _item(self, of: Value, index: Value, node: ast.expr) -> Value | None:
        """``of[index]``: of what is known an item by a known key, of an array of numbers an item by whole numbers."""
        try:
            match of, index:
                case Object(tuple() | list() | dict() as items), Const(key) | Object(key):
                    return self.names.item(items, key)
                case TupleValue(parts), Const(int() as place):
                    return parts[place]
        except (LookupError, TypeError) as error:
            raise self.scope.error(f"there is no such item: {type(error).__name__}: {error}", node) from error
        if isinstance(of, Object) and isinstance(index, Expr):
            of = self.names.table(of.value) or of
        return self._element(of, index, node) if isinstance(of, TableRef) else None

    def _element(self, of: TableRef, index: Value, node: ast.expr) -> Value:
        """An item of an array; of one with several axes, indexed by fewer, what is left of it."""
        added = index.items if isinstance(index, TupleValue) else (index,)
        numbers = tuple(self.as_scalar(item, node) for item in added)
        table, indices = of.table, of.indices + numbers
        if len(indices) > table.dimensions:
            raise self.scope.error(
                f"{table.name} has {table.dimensions} dimensions and gets {len(indices)} indices", node
            )
        if len(indices) < table.dimensions:
            return TableRef(table, indices)
        return Element(table.name, table.type, indices, self.scope.where(node))

    def _unary(self, node: ast.UnaryOp) -> Expr:
        operand = self.scalar(node.operand)
        match node.op:
            case ast.USub():
                return negate(operand)
            case ast.UAdd():
                return operand
            case ast.Not():
                return Unary("not", operand)
        raise self.scope.error("the operator ~ cannot be compiled: write 'not', or -x - 1", node)

    # Conditions: what stands behind `and`, `or`, a chained comparison or `else` is evaluated only where Python would.

    def _compare(self, node: ast.Compare) -> Expr:
        if isinstance(node.ops[0], (ast.In, ast.NotIn)) and len(node.ops) == 1:
            return self._among(node)
        if any(type(op) not in _COMPARE for op in node.ops):
            raise self.scope.error(
                f"{ast.unparse(node)!r} compares more than numbers: write the comparisons one by one, with 'and'", node
            )
        ops = [_COMPARE[type(op)] for op in node.ops]
        operands = self.values([node.left, node.comparators[0]])
        match operands:
            # What is known by now, an option that is a string, say, is compared by now; a number is never None.
            case [Object(one), Object(other)] if ops in (["=="], ["!="]):
                return Const((one == other) is (ops[0] == "=="))
            case [Expr(), Object()] | [Object(), Expr()] if ops in (["=="], ["!="]):
                return Const(ops[0] == "!=")
        left, right = (self.as_scalar(*pair) for pair in zip(operands, [node.left, node.comparators[0]], strict=True))
        return self._chain(Binary(ops[0], left, right), right, ops[1:], node.comparators[1:])

    def _among(self, node: ast.Compare) -> Expr:
        """``x in (1, 2)``: equal to one of them."""
        place, items = self.values([node.left, node.comparators[0]])
        match items:
            case TupleValue(parts):
                found = list(parts)
            case Object(tuple() | list() | set() | frozenset() as numbers):
                found = [known(number) for number in numbers]
            case _:
                raise self.scope.error(
                    f"{ast.unparse(node)!r}: a number can be searched for in a tuple of numbers only", node
                )
        value = self.scope.keep(self.as_scalar(place, node.left), "value", node)
        among: Expr = Const(False)
        for part in found:
            equal = Binary("==", value, self.as_scalar(part, node.comparators[0]))
            among = equal if among == Const(False) else Binary("or", among, equal)
        return Unary("not", among) if isinstance(node.ops[0], ast.NotIn) else among

    def _chain(self, test: Expr, left: Expr, ops: list[str], nodes: list[ast.expr]) -> Expr:
        """``test and left op node op node …``."""
        if not ops:
            return test
        middle = self.scope.keep(left, "middle", nodes[0])

        def rest() -> Expr:
            right = self.scalar(nodes[0])
            return self._chain(Binary(ops[0], middle, right), right, ops[1:], nodes[1:])

        return self._both("and", test, rest)

    def _logic(self, op: str, nodes: Sequence[ast.expr]) -> Expr:
        first = self.scalar(nodes[0])
        return first if len(nodes) == 1 else self._both(op, first, lambda: self._logic(op, nodes[1:]))

    def _both(self, op: str, first: Expr, lower_rest: Callable[[], Expr]) -> Expr:
        with self.scope.block() as statements:
            rest = lower_rest()
        if not statements:
            return Binary(op, first, rest)
        name = self.scope.fresh("logic")
        self.scope.emit(Assign(name, first))
        statements.append(Assign(name, rest))
        test = Local(name) if op == "and" else Unary("not", Local(name))
        self.scope.emit(If(test, tuple(statements)))
        return Local(name)

    def _choice(self, test: ast.expr, then: ast.expr, otherwise: ast.expr) -> Expr:
        condition = self.scalar(test)
        with self.scope.block() as first:
            left = self.scalar(then)
        with self.scope.block() as second:
            right = self.scalar(otherwise)
        if not first and not second:
            return Select(condition, left, right)
        name = self.scope.fresh("choice")
        self.scope.emit(If(condition, (*first, Assign(name, left)), (*second, Assign(name, right))))
        return Local(name)


def _arithmetic(op: str, left: Expr, right: Expr) -> Expr:
    """An operation on two scalars; done here, where both are known whole numbers."""
    match op, left, right:
        case "+" | "-" | "*", Const(int() as first), Const(int() as second):
            return Const(wrapped(OPERATORS[op](first, second)))
        case "**", Const(int() as first), Const(int() as second) if second >= 0:
            return Const(whole_power(first, second))
    return Binary(op, left, right)


def _changed(value: Expr, later: list[Stmt]) -> bool:
    """True where statements change what a value reads."""
    body = tuple(later)
    written = writes(body)
    parts = list(subexpressions(value))
    fed = any(isinstance(part, Output) for part in parts) and any(isinstance(it, FeedForward) for it in walk(body))
    return fed or any(isinstance(part, Local) and part.name in written for part in parts)
