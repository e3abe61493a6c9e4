"""Loops of the user's source: over messages, over a range, while a condition holds."""

from __future__ import annotations

import ast
from collections.abc import Callable

from ..nir.expressions import Const, Local, Unary
from ..nir.statements import Assign, Body, Break, If, RangeLoop, While
from .assignments import Assignments
from .expressions import Expressions
from .frames import Scope
from .messages import over_messages
from .values import MessagesRef, Object


class Loops:
    """Lowers loops within a scope.

    Args:
        scope: frames and statements.
        expressions: lowers conditions and bounds.
        assignments: knows the variables.
    """

    def __init__(self, scope: Scope, expressions: Expressions, assignments: Assignments) -> None:
        self.scope = scope
        self.expressions = expressions
        self.assignments = assignments

    def lower(self, statement: ast.For | ast.While, lower_body: Callable[[], Body]) -> None:
        """Emit a loop.

        Raises:
            NeuronError: it runs over something else, or has an ``else``.
        """
        if statement.orelse:
            raise self.scope.error("else after a loop cannot be compiled; use a variable and an if", statement)
        if isinstance(statement, ast.While):
            self._while(statement, lower_body)
            return
        items = statement.iter
        if isinstance(items, ast.Call) and self.expressions.value(items.func) == Object(range):
            self._range(statement, items, lower_body)
        elif isinstance(self.expressions.value(items), MessagesRef):
            if not isinstance(statement.target, ast.Name):
                raise self.scope.error("a message is one object: write 'for m in messages'", statement)
            over_messages(self.scope, statement.target.id, lower_body, statement)
        else:
            raise self.scope.error(
                "a loop runs over messages or range(...); over the items of an array: for i in range(len(...))", items
            )

    def _while(self, statement: ast.While, lower_body: Callable[[], Body]) -> None:
        with self.scope.block() as lowered:
            condition = self.expressions.scalar(statement.test)
            lowered.append(If(Unary("not", condition), (Break(),)))
            lowered.extend(lower_body())
        self.scope.emit(While(tuple(lowered), where=self.scope.where(statement)))

    def _range(self, statement: ast.For, call: ast.Call, lower_body: Callable[[], Body]) -> None:
        if not isinstance(statement.target, ast.Name) or call.keywords or not 1 <= len(call.args) <= 3:
            raise self.scope.error("write 'for i in range(start, stop, step)'", statement)
        bounds = self.expressions.scalars(call.args)
        start, stop, step = [Const(0), *bounds, Const(1)] if len(bounds) == 1 else [*bounds, Const(1)][:3]
        if step == Const(0):
            raise self.scope.error("range() needs a step other than 0", call)
        # The counter is not the user's variable, to which the body may assign.
        counter = self.scope.fresh(statement.target.id)
        variable = self.assignments.variable(statement.target.id, statement)
        with self.scope.block() as lowered:
            lowered.append(Assign(variable, Local(counter)))
            lowered.extend(lower_body())
        self.scope.emit(RangeLoop(counter, start, stop, step, tuple(lowered), where=self.scope.where(statement)))
