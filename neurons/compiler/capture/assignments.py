"""Assignments in the user's source: to variables, to what the neuron keeps, to several targets at once."""

from __future__ import annotations

import ast

from ...neuron import RESERVED
from ...state import SynapseState
from ...syntax import parse
from ..nir.expressions import Expr, Local
from ..nir.statements import Assign, SetField
from .expressions import Expressions
from .frames import Scope
from .subject import Subject
from .values import MessageRef, SelfRef, TupleValue, Value, describe


class Assignments:
    """Lowers assignments within a scope.

    Args:
        subject: the neuron class.
        scope: frames and statements.
        expressions: lowers the values.
    """

    def __init__(self, subject: Subject, scope: Scope, expressions: Expressions) -> None:
        self.subject = subject
        self.scope = scope
        self.expressions = expressions

    def statement(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        """One assignment statement.

        Raises:
            NeuronError: a target that cannot be assigned to, or a value that it cannot hold.
        """
        match node:
            case ast.Assign(targets=targets, value=value):
                self.assign(targets, self.expressions.value(value), node)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign([target], self.expressions.value(value), node)
            case ast.AugAssign(target=target, op=op, value=value):
                whole = ast.copy_location(ast.BinOp(_as_load(target), op, value), node)
                self.assign([target], self.expressions.value(whole), node)

    def assign(self, targets: list[ast.expr], value: Value, node: ast.stmt) -> None:
        """Bind a value to each of the targets."""
        if len(targets) > 1 and isinstance(value, Expr):
            value = self.scope.keep(value, "value", node)
        for target in targets:
            match target:
                case ast.Name(id=name):
                    self.name(name, value, node)
                case ast.Attribute(value=owner, attr=name) if self.expressions.value(owner) == SelfRef():
                    self._attribute(name, value, node)
                case ast.Attribute(value=owner) if isinstance(self.expressions.value(owner), MessageRef):
                    self._field(target, value, node)
                case ast.Tuple(elts=items) | ast.List(elts=items):
                    self._unpack(items, value, node)
                case _:
                    raise self.scope.error(
                        f"cannot assign to {ast.unparse(target)!r} in a neuron: assign to a variable, or to self.x",
                        node,
                    )

    def _attribute(self, name: str, value: Value, node: ast.stmt) -> None:
        if not isinstance(value, Expr):
            raise self.scope.error(f"self.{name} can keep a number only", node)
        if name in RESERVED:
            raise self.scope.error(f"self.{name} is set by Horn and cannot be assigned", node)
        if isinstance(self.subject.kept.get(name), SynapseState):
            raise self.scope.error(f"self.{name} is a SynapseState, a number of each synapse: write m.{name}", node)
        if isinstance(self.subject.find(name), property):
            raise self.scope.error(
                f"self.{name} is a property and cannot be assigned: assign what it computes from", node
            )
        if name not in self.subject.state:
            raise self.scope.error(
                f"self.{name} is assigned outside of the class: assign it in one of its methods", node
            )
        self.scope.emit(Assign(f"self.{name}", value, where=self.scope.where(node)))

    def _field(self, target: ast.Attribute, value: Value, node: ast.stmt) -> None:
        """What a synapse keeps."""
        if not isinstance(self.subject.kept.get(target.attr), SynapseState):
            raise self.scope.error(
                f"cannot assign to {ast.unparse(target)}: push changes a weight, and a synapse keeps what the class "
                f"declares, {target.attr} = SynapseState(...)",
                node,
            )
        if not isinstance(value, Expr):
            raise self.scope.error(f"{ast.unparse(target)} can keep a number only", node)
        self.expressions.value(target)  # refuses it in forward
        self.scope.emit(SetField(target.attr, value, where=self.scope.where(node)))

    def _unpack(self, items: list[ast.expr], value: Value, node: ast.stmt) -> None:
        if any(isinstance(item, ast.Starred) for item in items):
            raise self.scope.error("* before a target cannot be compiled: give each value a name", node)
        if not isinstance(value, TupleValue) or len(value.items) != len(items):
            found = f"{len(value.items)} values" if isinstance(value, TupleValue) else describe(value)
            raise self.scope.error(f"{len(items)} targets need as many values, found {found}", node)
        # All values are there before the first target changes: a, b = b, a.
        parts = [self.scope.keep(part, "part", node) if isinstance(part, Expr) else part for part in value.items]
        for item, part in zip(items, parts, strict=True):
            self.assign([item], part, node)

    def name(self, name: str, value: Value, node: ast.AST) -> None:
        """Bind a value to a name of the function."""
        names = self.scope.frame.names
        match value:
            case Expr():
                self.scope.emit(Assign(self.variable(name, node), value, where=self.scope.where(node)))
            case MessageRef():
                raise self.scope.error(f"{name!r} would be a second name of a message: keep the numbers you need", node)
            case TupleValue(items) if all(isinstance(item, Expr) for item in items):
                self._tuple(name, [item for item in items if isinstance(item, Expr)], node)
            case _ if names.get(name, value) == value:
                names[name] = value
            case _:
                raise self.two_meanings(name, node)

    def _tuple(self, name: str, items: list[Expr], node: ast.AST) -> None:
        """A tuple has a variable for each of its items, which every assignment assigns."""
        names = self.scope.frame.names
        if name not in names:
            names[name] = TupleValue(tuple(Local(self.scope.fresh(name)) for _ in items))
        known = names[name]
        if not isinstance(known, TupleValue) or len(known.items) != len(items):
            raise self.two_meanings(name, node)
        parts = [self.scope.keep(item, "part", node) for item in items]
        for variable, part in zip(known.items, parts, strict=True):
            assert isinstance(variable, Local)
            self.scope.emit(Assign(variable.name, part, where=self.scope.where(node)))

    def variable(self, name: str, node: ast.AST) -> str:
        """The local behind a name of the function."""
        names = self.scope.frame.names
        if name not in names:
            names[name] = Local(self.scope.fresh(name))
        known = names[name]
        if not isinstance(known, Local):
            raise self.two_meanings(name, node)
        return known.name

    def two_meanings(self, name: str, node: ast.AST) -> Exception:
        """The error for a name that would be two kinds of things."""
        return self.scope.error(f"{name!r} means different things at different times; use two names", node)


def _as_load(target: ast.expr) -> ast.expr:
    """A target as the expression that reads it."""
    (statement,) = parse(ast.unparse(target)).body
    assert isinstance(statement, ast.Expr)
    loaded = statement.value
    for node in ast.walk(loaded):
        ast.copy_location(node, target)
    return loaded
