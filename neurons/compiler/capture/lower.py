"""A neuron's method → NIR: statements, loops, and everything that the method calls, inlined.

A function that returns from within is turned into one with a single exit: what follows an ``if`` that returns moves
into its ``else``; a return inside a loop sets a flag, leaves the loop, and what follows is done if the flag is unset.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from types import FunctionType

from ...errors import NeuronError, definition
from ..nir.expressions import Const, Expr, Local, Unary
from ..nir.statements import Assign, Backpropagate, Body, Break, Continue, FeedForward, If, MessageLoop, Push
from ..nir.trees import reads
from .asides import changes_nothing, is_aside
from .assigned import RETURNED
from .assignments import Assignments
from .binding import bind
from .calls import SLOPE
from .cures import refusal
from .exits import always_returns, returns
from .expressions import Expressions
from .frames import Captured, Frame, Scope, assigned_names
from .iteration import Loops
from .source import read_source
from .subject import Subject
from .values import MessagesRef, Method, Object, SelfRef, TupleValue, Value

_ACTIONS: dict[str, tuple[type[FeedForward] | type[Backpropagate] | type[Push], str, str]] = {
    "feedforward": (FeedForward, "output", "forward"),
    "backpropagate": (Backpropagate, "delta", "backward"),
    "push": (Push, "update", "backward"),
}


@dataclass(frozen=True)
class Lowered:
    """A method as NIR.

    Args:
        body: its statements.
        captured: the values from outside of the class that it was specialised to.
        asides: for each statement that only the interpreter runs, and that changes no number, its refusal.
    """

    body: Body = ()
    captured: tuple[Captured, ...] = ()
    asides: tuple[NeuronError, ...] = ()


def lower_method(subject: Subject, name: str) -> Lowered:
    """A method of a neuron class as NIR.

    Args:
        subject: the class.
        name: "forward" or "backward".

    Raises:
        NeuronError: the class has no such method, or uses what cannot be compiled; with the user's line.
    """
    function = subject.method(name)
    if function is None:
        raise NeuronError(f"{subject.name} has no {name}(self, messages): write one")
    lowering = _Lowering(subject, name)
    body = lowering.method_body(function)
    return Lowered(body, tuple(lowering.scope.captured), tuple(lowering.scope.asides))


def lower_scalar_function(subject: Subject, function: FunctionType, arguments: list[Value]) -> tuple[Body, Expr]:
    """A plain scalar function (a cost's method) as statements and the value that they lead to.

    Raises:
        NeuronError: it uses what cannot be compiled, or returns no number.
    """
    lowering = _Lowering(subject, "forward")
    lowered = lowering.function_body(function, arguments)
    for refused in lowering.scope.asides:
        raise refused
    return lowered


class _Lowering:
    def __init__(self, subject: Subject, method: str) -> None:
        self.subject = subject
        self.method = method
        self.scope = Scope()
        self.expressions = Expressions(subject, self.scope, method, self.inline, self._bind)
        self.assignments = Assignments(subject, self.scope, self.expressions)
        self.loops = Loops(self.scope, self.expressions, self.assignments)
        self.active: list[FunctionType] = []
        self.scalar_function = False

    def method_body(self, function: FunctionType) -> Body:
        with self.scope.block() as statements:
            self._call(function, [SelfRef(), MessagesRef()], None, {})
        body = tuple(statements)
        return (Assign(SLOPE.name, Const(0.0)), *body) if SLOPE.name in reads(body) else body

    def function_body(self, function: FunctionType, arguments: list[Value]) -> tuple[Body, Expr]:
        self.scalar_function = True
        with self.scope.block() as statements:
            value = self._call(function, arguments, None, {})
        if not isinstance(value, Expr):
            source = read_source(function)
            raise NeuronError(f"{function.__qualname__} must return one number", source.where(source.tree))
        return tuple(statements), value

    # Functions -------------------------------------------------------------------------------------------------

    def inline(
        self, function: FunctionType, arguments: list[Value], node: ast.expr, keywords: dict[str, Value]
    ) -> Value:
        """The value of a call, its body lowered in place."""
        value = self._call(function, arguments, node, keywords)
        if value is None:
            raise self.scope.error(f"{function.__qualname__} returns nothing, but its value is used", node)
        return value

    def _call(
        self, function: FunctionType, arguments: list[Value], node: ast.expr | None, keywords: dict[str, Value]
    ) -> Value | None:
        if function in self.active and node is not None:
            raise self.scope.error(f"{function.__qualname__} calls itself; write the recursion as a loop", node)
        source = read_source(function)
        frame = Frame(source, self.subject.owner(function), {}, assigned_names(source))
        try:
            bound = bind(function, arguments, keywords)
        except NeuronError:
            raise
        except TypeError as error:
            place = self.scope.where(node) if node is not None else definition(function)
            raise NeuronError(f"{function.__qualname__}: {error}", place) from error
        frame.names.update({name: self._own(value, name) for name, value in bound.items()})
        place = self.scope.place
        self.scope.frames.append(frame)
        self.active.append(function)
        try:
            self._tail(source.statements())
        finally:
            self.scope.frames.pop()
            self.active.pop()
        self.scope.place = place
        return frame.result

    def _own(self, value: Value, name: str) -> Value:
        """A parameter is a variable of its own, since the function may assign to it."""
        if not isinstance(value, Expr):
            return value
        local = self.scope.fresh(name)
        self.scope.emit(Assign(local, value))
        return Local(local)

    def _bind(self, name: str, value: Value, node: ast.expr) -> None:
        """What ``(name := value)`` does."""
        self.assignments.name(name, value, node)

    # Control flow ----------------------------------------------------------------------------------------------

    def _tail(self, statements: list[ast.stmt]) -> None:
        """Lower statements at whose end the function ends."""
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            self.scope.place = self.scope.where(statement)
            match statement:
                case ast.Return():
                    return self._return(statement)
                case ast.If() if returns(statement):
                    condition = self.expressions.scalar(statement.test)
                    if isinstance(condition, Const):
                        return self._tail((statement.body if condition.value else statement.orelse) + rest)
                    then = self._branch(statement.body, [] if always_returns(statement.body) else rest)
                    done = always_returns(statement.orelse)
                    otherwise = self._branch(statement.orelse, [] if done else rest)
                    self.scope.emit(If(condition, then, otherwise, where=self.scope.where(statement)))
                    return None
                case ast.For() | ast.While() if returns(statement):
                    flag = self.scope.fresh("returned")
                    self.scope.emit(Assign(flag, Const(False)))
                    self._loop(statement, flag)
                    with self.scope.block() as after:
                        self._tail(rest)
                    if after:
                        self.scope.emit(If(Unary("not", Local(flag)), tuple(after)))
                    return None
                case _:
                    self._statement(statement, None)
        return None

    def _branch(self, statements: list[ast.stmt], rest: list[ast.stmt]) -> Body:
        with self.scope.block() as lowered:
            self._tail(statements + rest)
        return tuple(lowered)

    def _inside(self, statements: list[ast.stmt], flag: str | None) -> Body:
        """Lower statements inside a loop: a return there sets `flag` and breaks."""
        with self.scope.block() as lowered:
            for statement in statements:
                self._statement(statement, flag)
        return tuple(lowered)

    def _return(self, statement: ast.Return) -> None:
        if statement.value is None:
            return
        if len(self.active) == 1 and isinstance(statement.value, ast.Call) and not self.scalar_function:
            # Nobody uses what forward and backward return: ``return self.feedforward(0.0)`` is a call.
            self._expression_statement(statement.value)
            return
        value = self.expressions.value(statement.value)
        frame = self.scope.frame
        if frame.result is None:
            frame.result = self._result(value, statement)
        places = frame.result.items if isinstance(frame.result, TupleValue) else (frame.result,)
        items = value.items if isinstance(value, TupleValue) else (value,)
        if isinstance(value, TupleValue) is not isinstance(frame.result, TupleValue) or len(places) != len(items):
            raise self.scope.error("a helper must return one number everywhere, or as many everywhere", statement)
        for place, item in zip(places, items, strict=True):
            assert isinstance(place, Local)
            if not isinstance(item, Expr):
                raise self.scope.error(_RETURNS, statement)
            self.scope.emit(Assign(place.name, item, where=self.scope.where(statement)))

    def _result(self, value: Value, statement: ast.Return) -> Value:
        """The locals for what a function returns."""
        match value:
            case Expr():
                return Local(self.scope.fresh(RETURNED))
            case TupleValue(items):
                return TupleValue(tuple(Local(self.scope.fresh(RETURNED)) for _ in items))
        raise self.scope.error(_RETURNS, statement)

    def _statement(self, statement: ast.stmt, flag: str | None) -> None:
        self.scope.place = self.scope.where(statement)
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                self.assignments.statement(statement)
            case ast.Expr(value=ast.Call() as call):
                self._expression_statement(call)
            case ast.Assert() if changes_nothing(statement, self.scope.frame):
                self.scope.asides.append(self.scope.error(refusal(statement), statement))
            case ast.If(test=test, body=then, orelse=otherwise):
                condition = self.expressions.scalar(test)
                if isinstance(condition, Const):
                    # Known by now: what the other branch says need not even make sense here.
                    for inner in then if condition.value else otherwise:
                        self._statement(inner, flag)
                    return
                before = len(self.scope.asides)
                branches = self._inside(then, flag), self._inside(otherwise, flag)
                if any(branches) or len(self.scope.asides) == before:
                    self.scope.emit(If(condition, *branches, where=self.scope.where(statement)))
            case ast.For() | ast.While():
                self._loop(statement, flag)
                if flag is not None and returns(statement):
                    self.scope.emit(If(Local(flag), (Break(),)))
            case ast.Break():
                self.scope.emit(Break(where=self.scope.where(statement)))
            case ast.Continue():
                self.scope.emit(Continue(where=self.scope.where(statement)))
            case ast.Return() if flag is not None:
                self._return(statement)
                self.scope.emit(Assign(flag, Const(True)))
                self.scope.emit(Break())
            case _:
                raise self.scope.error(refusal(statement), statement)

    def _loop(self, statement: ast.For | ast.While, flag: str | None) -> None:
        before = len(self.scope.asides)
        with self.scope.block() as lowered:
            self.loops.lower(statement, lambda: self._inside(statement.body, flag))
        if len(self.scope.asides) > before:  # a loop that only looks is left out, too
            lowered = [it for it in lowered if not isinstance(it, MessageLoop) or it.body]
        self.scope.statements.extend(lowered)

    # Calls as statements ---------------------------------------------------------------------------------------

    def _expression_statement(self, call: ast.Call) -> None:
        """A call whose value nobody uses: an action of the neuron, or a function that may return nothing."""
        calls = self.expressions.calls
        target = self.expressions.value(call.func) if not _is_super(call.func) else None
        match target:
            case Method(SelfRef(), name) if name in _ACTIONS and calls.of_language(target):
                return self._action(name, call)
            case Method(SelfRef(after), name) if not calls.of_language(target):
                function = self.subject.find(name, after)
                first: list[Value] = [SelfRef()]
            case Object(FunctionType() as function):
                first = []
            case Object(function) if is_aside(function) and changes_nothing(call, self.scope.frame):
                return self.scope.asides.append(calls.refusal(function, call))
            case _:
                self.expressions.value(call)
                return None
        calls.check_plain(call)
        arguments, keywords = calls.given(call)
        self._call(function, first + arguments, call, keywords)
        return None

    def _action(self, name: str, call: ast.Call) -> None:
        statement, parameter, method = _ACTIONS[name]
        if self.method != method:
            raise self.scope.error(f"self.{name} belongs in {method}, not in {self.method}", call)
        if name == "push" and not self.scope.loops:
            raise self.scope.error("self.push updates the weight of a message: call it inside the loop", call)
        (value,) = self.expressions.calls.arguments(call, [parameter])
        self.scope.emit(statement(value, where=self.scope.where(call)))


_RETURNS = "a helper may return numbers and tuples of numbers"


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "super"
