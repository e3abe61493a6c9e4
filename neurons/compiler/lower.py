"""A neuron's method → NIR: statements, loops, and everything that the method calls, inlined.

A function that returns from within is turned into one with a single exit: what follows an ``if`` that returns moves
into its ``else``; a return inside a loop sets a flag, leaves the loop, and what follows is done if the flag is unset.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from types import FunctionType

from ..errors import NeuronError, SourceLine
from .expressions import Expressions
from .frames import Frame, Scope, assigned_names
from .nir import Assign, Backpropagate, Body, Break, Const, Continue, Expr, FeedForward, If, Local, MessageLoop, Push
from .nir import RangeLoop, Unary, While
from .source import read_source
from .subject import Subject
from .values import MessageRef, MessagesRef, Method, Object, SelfRef, TupleValue, Value

_ACTIONS: dict[str, tuple[type[FeedForward] | type[Backpropagate] | type[Push], str, str]] = {
    "feedforward": (FeedForward, "output", "forward"),
    "backpropagate": (Backpropagate, "delta", "backward"),
    "push": (Push, "update", "backward"),
}


def lower_method(subject: Subject, name: str) -> Body:
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
    return _Lowering(subject, name).method_body(function)


def lower_scalar_function(subject: Subject, function: FunctionType, arguments: list[Value]) -> tuple[Body, Expr]:
    """A plain scalar function (a cost's method) as statements and the value that they lead to.

    Raises:
        NeuronError: it uses what cannot be compiled, or returns no number.
    """
    lowering = _Lowering(subject, "forward")
    return lowering.function_body(function, arguments)


class _Lowering:
    def __init__(self, subject: Subject, method: str) -> None:
        self.subject = subject
        self.method = method
        self.scope = Scope()
        self.expressions = Expressions(subject, self.scope, method, self.inline, self._messages)
        self.active: list[FunctionType] = []

    def method_body(self, function: FunctionType) -> Body:
        with self.scope.block() as statements:
            self._call(function, [SelfRef(), MessagesRef()], None, {})
        return tuple(statements)

    def function_body(self, function: FunctionType, arguments: list[Value]) -> tuple[Body, Expr]:
        with self.scope.block() as statements:
            value = self._call(function, arguments, None, {})
        if not isinstance(value, Expr):
            source = read_source(function)
            raise NeuronError(f"{function.__qualname__} must return one number", source.where(source.tree))
        return tuple(statements), value

    # Functions -------------------------------------------------------------------------------------------------

    def inline(self, function: FunctionType, arguments: list[Value], node: ast.expr, keywords: dict[str, Value]) -> Value:
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
        bound = self._bind(function, arguments, keywords, node)
        values = {name: self._own(value, name) for name, value in bound.items()}
        frame.names.update(values)
        self.scope.frames.append(frame)
        self.active.append(function)
        try:
            self._tail(source.statements())
        finally:
            self.scope.frames.pop()
            self.active.pop()
        return frame.shape[0] if frame.shape else None

    def _bind(
        self, function: FunctionType, arguments: list[Value], keywords: dict[str, Value], node: ast.expr | None
    ) -> dict[str, Value]:
        signature = inspect.signature(function)
        try:
            bound = signature.bind(*arguments, **keywords)
        except TypeError as error:
            if node is None:
                raise NeuronError(f"{function.__qualname__}: {error}") from error
            raise self.scope.error(f"{function.__qualname__}: {error}", node) from error
        found: dict[str, Value] = dict(bound.arguments)
        for name, parameter in signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise NeuronError(f"{function.__qualname__} takes *{name}; a neuron's helpers take plain parameters")
            if name not in found:
                default = parameter.default
                found[name] = Const(default) if isinstance(default, (bool, int, float)) else Object(default)
        return found

    def _own(self, value: Value, name: str) -> Value:
        """A parameter is a variable of its own, since the function may assign to it."""
        if not isinstance(value, Expr):
            return value
        local = self.scope.fresh(name)
        self.scope.emit(Assign(local, value))
        return Local(local)

    # Control flow ----------------------------------------------------------------------------------------------

    def _tail(self, statements: list[ast.stmt]) -> None:
        """Lower statements at whose end the function ends."""
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            match statement:
                case ast.Return():
                    return self._return(statement)
                case ast.If() if _returns(statement):
                    condition = self._condition(statement.test)
                    then = self._branch(statement.body, [] if _always_returns(statement.body) else rest)
                    done = _always_returns(statement.orelse)
                    otherwise = self._branch(statement.orelse, [] if done else rest)
                    self.scope.emit(If(condition, then, otherwise, where=self._where(statement)))
                    return None
                case ast.For() | ast.While() if _returns(statement):
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
        frame = self.scope.frame
        if statement.value is None:
            return
        value = self.expressions.value(statement.value)
        if isinstance(value, TupleValue):
            items = [item if isinstance(item, Expr) else None for item in value.items]
            if None in items:
                raise self.scope.error("a helper may return numbers and tuples of numbers", statement)
            names = [f"{frame.source.function.__name__}_{len(self.active)}_{place}" for place in range(len(items))]
            for name, item in zip(names, items, strict=True):
                assert item is not None
                self.scope.emit(Assign(name, item, where=self._where(statement)))
            frame.shape = [TupleValue(tuple(Local(name) for name in names))]
        elif isinstance(value, Expr):
            frame.result = frame.result or self.scope.fresh("result")
            self.scope.emit(Assign(frame.result, value, where=self._where(statement)))
            frame.shape = [Local(frame.result)]
        else:
            raise self.scope.error("a helper may return numbers and tuples of numbers", statement)

    def _statement(self, statement: ast.stmt, flag: str | None) -> None:
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, self.expressions.value(value), statement)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign([target], self.expressions.value(value), statement)
            case ast.AnnAssign():
                pass
            case ast.AugAssign(target=target, op=op, value=value):
                current = ast.copy_location(_as_load(target), target)
                whole = ast.copy_location(ast.BinOp(current, op, value), statement)
                self._assign([target], self.expressions.value(whole), statement)
            case ast.Expr(value=ast.Call() as call):
                self._expression_statement(call)
            case ast.If(test=test, body=then, orelse=otherwise):
                condition = self._condition(test)
                branches = self._inside(then, flag), self._inside(otherwise, flag)
                self.scope.emit(If(condition, *branches, where=self._where(statement)))
            case ast.For() | ast.While():
                self._loop(statement, flag)
                if flag is not None and _returns(statement):
                    self.scope.emit(If(Local(flag), (Break(),)))
            case ast.Break():
                self.scope.emit(Break(where=self._where(statement)))
            case ast.Continue():
                self.scope.emit(Continue(where=self._where(statement)))
            case ast.Return() if flag is not None:
                self._return(statement)
                self.scope.emit(Assign(flag, Const(True)))
                self.scope.emit(Break())
            case ast.Global() | ast.Nonlocal():
                raise self.scope.error(
                    "a neuron cannot change a global: there are thousands of it, in many processes; keep values in "
                    "self.x",
                    statement,
                )
            case _:
                raise self.scope.error(
                    f"{ast.unparse(statement).splitlines()[0]!r} ({type(statement).__name__}) cannot be compiled; a "
                    "neuron may assign, use if, for, while, and call functions",
                    statement,
                )

    def _condition(self, test: ast.expr) -> Expr:
        return self.expressions.scalar(test)

    def _where(self, node: ast.AST) -> SourceLine:
        return self.scope.frame.source.where(node)

    def _loop(self, statement: ast.For | ast.While, flag: str | None) -> None:
        if statement.orelse:
            raise self.scope.error("else after a loop cannot be compiled; use a variable and an if", statement)
        where = self._where(statement)
        if isinstance(statement, ast.While):
            with self.scope.block() as lowered:
                condition = self._condition(statement.test)
                lowered.append(If(Unary("not", condition), (Break(),)))
                lowered.extend(self._inside(statement.body, flag))
            self.scope.emit(While(tuple(lowered), where=where))
            return
        call = statement.iter
        if isinstance(call, ast.Call) and self.expressions.value(call.func) == Object(range):
            self._range(statement, call, flag)
        elif isinstance(self.expressions.value(call), MessagesRef):
            if not isinstance(statement.target, ast.Name):
                raise self.scope.error("a message is one object: write 'for m in messages'", statement)
            self._messages(statement.target.id, lambda: self._inside(statement.body, flag), statement)
        else:
            raise self.scope.error("a loop runs over messages or range(...)", call)

    def _messages(self, name: str, inside: Callable[[], Body], node: ast.AST) -> None:
        if self.scope.loops:
            raise self.scope.error("a loop over messages inside a loop over messages cannot be compiled", node)
        loop = self.scope.used = self.scope.used + 1
        self.scope.frame.names[name] = MessageRef(loop)
        self.scope.loops.append(loop)
        try:
            body = inside()
        finally:
            self.scope.loops.pop()
        self.scope.emit(MessageLoop(body, where=self._where(node)))

    def _range(self, statement: ast.For, call: ast.Call, flag: str | None) -> None:
        if not isinstance(statement.target, ast.Name) or call.keywords or not 1 <= len(call.args) <= 3:
            raise self.scope.error("write 'for i in range(start, stop, step)'", statement)
        bounds = [self.expressions.scalar(argument) for argument in call.args]
        start, stop, step = {
            1: lambda: (Const(0), bounds[0], Const(1)),
            2: lambda: (bounds[0], bounds[1], Const(1)),
            3: lambda: (bounds[0], bounds[1], bounds[2]),
        }[len(bounds)]()
        counter = self.scope.fresh(statement.target.id)
        variable = self._variable(statement.target.id, statement)
        with self.scope.block() as lowered:
            lowered.append(Assign(variable, Local(counter)))
            lowered.extend(self._inside(statement.body, flag))
        self.scope.emit(RangeLoop(counter, start, stop, step, tuple(lowered), where=self._where(statement)))

    # Assignments and calls -------------------------------------------------------------------------------------

    def _assign(self, targets: list[ast.expr], value: Value, node: ast.stmt) -> None:
        if len(targets) > 1 and isinstance(value, Expr):
            value = self.scope.keep(value, "value", node)
        for target in targets:
            match target:
                case ast.Name(id=name):
                    self._assign_name(name, value, node)
                case ast.Attribute(value=owner, attr=name) if self.expressions.value(owner) == SelfRef():
                    if not isinstance(value, Expr):
                        raise self.scope.error(f"self.{name} can keep a number only", node)
                    if name not in self.subject.state or name in _FIXED:
                        raise self.scope.error(f"self.{name} is set by Horn and cannot be assigned", node)
                    self.scope.emit(Assign(f"self.{name}", value, where=self._where(node)))
                case ast.Tuple(elts=items):
                    if not isinstance(value, TupleValue) or len(value.items) != len(items):
                        raise self.scope.error(f"{len(items)} targets need as many values", node)
                    parts = [self.scope.keep(part, "part", node) if isinstance(part, Expr) else part for part in value.items]
                    for item, part in zip(items, parts, strict=True):
                        self._assign([item], part, node)
                case _:
                    raise self.scope.error(f"cannot assign to {ast.unparse(target)!r} in a neuron", node)

    def _assign_name(self, name: str, value: Value, node: ast.stmt) -> None:
        if isinstance(value, Expr):
            self.scope.emit(Assign(self._variable(name, node), value, where=self._where(node)))
            return
        names = self.scope.frame.names
        if name in names and names[name] != value:
            raise self.scope.error(f"{name!r} means different things at different times; use two names", node)
        names[name] = value

    def _variable(self, name: str, node: ast.AST) -> str:
        known = self.scope.frame.names.get(name)
        if known is None:
            known = self.scope.frame.names[name] = Local(self.scope.fresh(name))
        if not isinstance(known, Local):
            raise self.scope.error(f"{name!r} means different things at different times; use two names", node)
        return known.name

    def _expression_statement(self, call: ast.Call) -> None:
        target = self.expressions.value(call.func) if not _is_super(call.func) else None
        if isinstance(target, Method) and isinstance(target.owner, SelfRef) and target.name in _ACTIONS:
            statement, parameter, method = _ACTIONS[target.name]
            if self.method != method:
                raise self.scope.error(f"self.{target.name} belongs in {method}, not in {self.method}", call)
            if target.name == "push" and not self.scope.loops:
                raise self.scope.error("self.push updates the weight of a message: call it inside the loop", call)
            (value,) = self.expressions.arguments(call, [parameter])
            self.scope.emit(statement(value, where=self._where(call)))
            return
        if isinstance(target, Method) and isinstance(target.owner, SelfRef):
            function = self.subject.find(target.name, target.owner.after)
            if isinstance(function, FunctionType):
                arguments: list[Value] = [SelfRef(), *(self.expressions.value(argument) for argument in call.args)]
                keywords = {str(keyword.arg): self.expressions.value(keyword.value) for keyword in call.keywords}
                self._call(function, arguments, call, keywords)
                return
        if isinstance(target, Object) and isinstance(target.value, FunctionType):
            self._call(target.value, [self.expressions.value(argument) for argument in call.args], call, {})
            return
        self.expressions.value(call)


_FIXED = {"learning_rate", "momentum", "training", "iteration", "index", "layer", "output", "activation"}


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "super"


def _as_load(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _returns(statement: ast.AST) -> bool:
    return any(isinstance(node, ast.Return) for node in ast.walk(statement))


def _always_returns(statements: list[ast.stmt]) -> bool:
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.Return):
        return True
    return isinstance(last, ast.If) and _always_returns(last.body) and _always_returns(last.orelse)

