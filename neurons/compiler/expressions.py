"""Expressions of the user's source → scalars of the NIR, or the other things that they may denote.

Draws, calls of helpers and everything else with a place in time are lifted into statements before the one at hand, in
the order in which Python would evaluate them; what remains is pure.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..neuron import RESERVED
from .frames import Scope
from .intrinsics import INTRINSICS, intrinsic_name
from .nir import FIELDS, UNIFORMS, Assign, Binary, Body, Call, Const, Count, Draw, Expr, Field, Hyper, If, Index, Local
from .nir import Output, Select, SetSlope, Slope, Type, Uniform, Unary
from .source import MISSING
from .subject import Subject
from .values import ActivationRef, MessageRef, MessagesRef, Method, Object, SelfRef, TupleValue, Value

#: (function, bound first arguments, call node) → the value it returns, its body inlined.
Inline = Callable[[FunctionType, list[Value], ast.Call | ast.expr, dict[str, Value]], Value]

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "==",
    ast.IsNot: "!=",
}  # fmt: skip
_DRAWS = {"binomial": (("n", "p"), ()), "uniform": (("a", "b"), (0.0, 1.0)), "normal": (("mu", "sigma"), (0.0, 1.0))}
_ACTIONS = {"feedforward", "backpropagate", "push"}


class Expressions:
    """Lowers expressions within a scope.

    Args:
        subject: the neuron class.
        scope: frames and statements.
        method: "forward" or "backward".
        inline: lowers the body of a called function in place.
        over_messages: emits a loop over the messages: (name of the message, lowers the loop's body, node).
    """

    def __init__(
        self,
        subject: Subject,
        scope: Scope,
        method: str,
        inline: Inline,
        over_messages: Callable[[str, Callable[[], Body], ast.AST], None],
    ) -> None:
        self.subject = subject
        self.scope = scope
        self.method = method
        self.inline = inline
        self.over_messages = over_messages

    def scalar(self, node: ast.expr) -> Expr:
        """The node as a scalar.

        Raises:
            NeuronError: it denotes something else, or is not supported.
        """
        value = self.value(node)
        if isinstance(value, Expr):
            return value
        raise self.scope.error(f"{_describe(value)} stands where a number is needed: {ast.unparse(node)}", node)

    def value(self, node: ast.expr) -> Value:
        """Whatever the node denotes."""
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return Const(number)
            case ast.Name(id=name):
                return self._name(name, node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return Binary(_BINARY[type(op)], self.scalar(left), self.scalar(right))
            case ast.Compare():
                return self._compare(node)
            case ast.BoolOp(op=op, values=values):
                return self._logic("and" if isinstance(op, ast.And) else "or", values)
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self._choice(test, then, otherwise)
            case ast.Tuple(elts=items):
                return TupleValue(tuple(self.value(item) for item in items))
            case ast.Call():
                return self._call(node)
            case ast.Subscript(value=of, slice=ast.Constant(value=int(index))):
                inner = self.value(of)
                if isinstance(inner, TupleValue) or (isinstance(inner, Object) and isinstance(inner.value, tuple)):
                    return _known(inner.value[index]) if isinstance(inner, Object) else inner.items[index]
        raise self.scope.error(
            f"{ast.unparse(node)!r} ({type(node).__name__}) cannot be compiled; a neuron may use numbers, messages, "
            "self, math.*, if, for, while and helper functions of these (engine='interpreter' runs any Python)",
            node,
        )

    def _name(self, name: str, node: ast.expr) -> Value:
        frame = self.scope.frame
        if name in frame.names:
            value = frame.names[name]
            if isinstance(value, MessageRef) and value.loop not in self.scope.loops:
                raise self.scope.error(f"message {name!r} is used after its loop: use it inside only", node)
            return value
        if name in frame.assigned:
            raise self.scope.error(f"local variable {name!r} is read before anything is assigned to it", node)
        found = frame.source.lookup(name)
        if found is MISSING:
            raise self.scope.error(f"name {name!r} is not defined", node)
        return _known(found)

    def _attribute(self, node: ast.Attribute) -> Value:
        owner, name = self.value(node.value), node.attr
        match owner:
            case SelfRef(after):
                return self._of_self(after, name, node)
            case MessageRef():
                known = [field for field in FIELDS if self._has_field(field)]
                if name not in known:
                    raise self.scope.error(f"a {self.method} message has no {name!r}; it has {', '.join(known)}", node)
                return Field(name)
            case ActivationRef():
                return Method(owner, name)
            case Object(value):
                try:
                    return _known(getattr(value, name))
                except AttributeError:
                    raise self.scope.error(f"{_describe(owner)} has no attribute {name!r}", node) from None
            case _:
                raise self.scope.error(f"{_describe(owner)} has no attribute {name!r}", node)

    def _has_field(self, name: str) -> bool:
        forward = {"input", "weight", "sender", "is_bias"}
        return name in forward if self.method == "forward" else name not in {"input", "sender"}

    def _of_self(self, after: type | None, name: str, node: ast.expr) -> Value:
        if name in self.subject.state and after is None:
            return Local(f"self.{name}")
        if name in UNIFORMS:
            return Uniform(name)
        if name == "index":
            return Index()
        if name == "output":
            return Output()
        if name == "activation":
            return ActivationRef()
        if name in self.subject.hyperparameters:
            return Hyper(name, self.subject.hyperparameters[name])
        found = self.subject.find(name, after)
        if isinstance(found, property) and found.fget is not None:
            return self.inline(found.fget, [SelfRef()], node, {})
        if isinstance(found, staticmethod):
            return _known(found.__func__)
        if isinstance(found, FunctionType) or name in RESERVED:
            return Method(SelfRef(after), name)
        if found is not MISSING and not isinstance(found, type):
            return _known(found)
        raise self.scope.error(
            f"self.{name} is read, but {self.subject.name} never sets it: assign it in forward, or declare it as a "
            f"class attribute, {name} = ...",
            node,
        )

    def _unary(self, node: ast.UnaryOp) -> Expr:
        operand = self.scalar(node.operand)
        match node.op:
            case ast.USub():
                return Const(-operand.value) if isinstance(operand, Const) else Unary("-", operand)
            case ast.UAdd():
                return operand
            case ast.Not():
                return Unary("not", operand)
        raise self.scope.error("the operator ~ cannot be compiled; a neuron computes with numbers", node)

    def _compare(self, node: ast.Compare) -> Expr:
        operands = [self.scalar(part) for part in (node.left, *node.comparators)]
        result: Expr | None = None
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _COMPARE:
                raise self.scope.error(f"{ast.unparse(node)!r} compares more than numbers", node)
            test = Binary(_COMPARE[type(op)], left, right)
            result = test if result is None else Binary("and", result, test)
        assert result is not None
        return result

    def _logic(self, op: str, nodes: Sequence[ast.expr]) -> Expr:
        first = self.scalar(nodes[0])
        if len(nodes) == 1:
            return first
        with self.scope.block() as statements:
            rest = self._logic(op, nodes[1:])
        if not statements:
            return Binary(op, first, rest)
        # The right side has effects (a draw): evaluate it only where Python would.
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

    def _call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            if self.scope.frame.owner is None or node.args:
                raise self.scope.error("write super() without arguments, in a method of the neuron", node)
            return SelfRef(after=self.scope.frame.owner)
        if any(isinstance(argument, ast.Starred) for argument in node.args) or any(k.arg is None for k in node.keywords):
            raise self.scope.error("* and ** in a call cannot be compiled; write the arguments out", node)
        target = self.value(node.func)
        match target:
            case Method(SelfRef(), name) if name in _DRAWS:
                return self._draw(name, node)
            case Method(SelfRef(), name) if name in _ACTIONS:
                raise self.scope.error(f"self.{name}(...) gives nothing back; write it as a statement of its own", node)
            case Method(SelfRef(after), name):
                return self._inline(self.subject.find(name, after), [SelfRef()], node)
            case ActivationRef():
                return self._activate(node)
            case Method(ActivationRef(), "derivative"):
                return self._derivative(node)
            case Method(ActivationRef(), name):
                return self._inline(getattr(type(self.subject.activation), name), [_known(self.subject.activation)], node)
            case Object(value):
                return self._object_call(value, node)
        raise self.scope.error(f"{_describe(target)} cannot be called", node)

    def arguments(self, node: ast.Call, names: Sequence[str], defaults: Sequence[float] = ()) -> list[Expr]:
        """The scalar arguments of a call, by the names of the parameters; defaults belong to the last of them."""
        given: dict[str, Expr] = {}
        if len(node.args) > len(names):
            raise self.scope.error(f"{ast.unparse(node)} takes {len(names)} arguments at most", node)
        for name, argument in zip(names, node.args, strict=False):
            given[name] = self.scalar(argument)
        for keyword in node.keywords:
            if keyword.arg not in names or keyword.arg in given:
                raise self.scope.error(f"unexpected argument {keyword.arg!r} in {ast.unparse(node)}", node)
            given[str(keyword.arg)] = self.scalar(keyword.value)
        for name, default in zip(reversed(names), reversed(defaults), strict=False):
            given.setdefault(name, Const(default))
        missing = [name for name in names if name not in given]
        if missing:
            raise self.scope.error(f"{ast.unparse(node)} lacks the argument {missing[0]!r}", node)
        return [given[name] for name in names]

    def _draw(self, kind: str, node: ast.Call) -> Expr:
        names, defaults = _DRAWS[kind]
        return self.scope.keep(Draw(kind, tuple(self.arguments(node, names, defaults))), kind, node)

    def _activate(self, node: ast.Call) -> Value:
        (point,) = self.arguments(node, ["x"])
        x = self.scope.keep(point, "x", node)
        activation = _known(self.subject.activation)
        cls = type(self.subject.activation)
        y = self.inline(cls.apply, [activation, x], node, {})
        if not isinstance(y, Expr):
            raise self.scope.error(f"{cls.__name__}.apply must return one number", node)
        point_arguments: list[Value] = [activation, y, x] if cls.needs_point() else [activation, y]
        slope = self.inline(self.subject.slope, point_arguments, node, {})
        if not isinstance(slope, Expr):
            raise self.scope.error(f"{cls.__name__}.derivative must return one number", node)
        self.scope.emit(SetSlope(slope))
        return y

    def _derivative(self, node: ast.Call) -> Value:
        if not node.args and not node.keywords:
            return Slope()
        cls = type(self.subject.activation)
        if cls.needs_point():
            raise self.scope.error(
                f"the slope of {cls.__name__} is no function of its output; write self.activation.derivative()", node
            )
        (y,) = self.arguments(node, ["y"])
        return self.inline(self.subject.slope, [_known(self.subject.activation), y], node, {})

    def _object_call(self, function: Any, node: ast.Call) -> Value:
        if function is len:
            if len(node.args) == 1 and isinstance(self.value(node.args[0]), MessagesRef):
                return Count()
            raise self.scope.error("len() is known for messages only", node)
        if function is sum and len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp):
            return self._sum(node.args[0])
        name = intrinsic_name(function)
        if name is not None:
            entry = INTRINSICS[name]
            arguments = tuple(self.scalar(argument) for argument in node.args)
            if node.keywords or not entry.least <= len(arguments) <= entry.most:
                raise self.scope.error(f"{ast.unparse(node)}: {name} takes {entry.least} to {entry.most} numbers", node)
            return Call(name, arguments)
        function = getattr(function, "py_func", function)  # a function that the user has compiled with numba
        if isinstance(function, MethodType):
            return self._inline(function.__func__, [_known(function.__self__)], node)
        return self._inline(function, [], node)

    def _sum(self, node: ast.GeneratorExp) -> Expr:
        """``sum(term for m in messages if condition)``."""
        loop = node.generators[0]
        over_messages = isinstance(self.value(loop.iter), MessagesRef) and isinstance(loop.target, ast.Name)
        if len(node.generators) != 1 or not over_messages:
            raise self.scope.error("sum() is known for 'sum(... for m in messages)' only", node)
        total = self.scope.fresh("sum")
        self.scope.emit(Assign(total, Const(0)))

        def body() -> Body:
            with self.scope.block() as statements:
                conditions = [self.scalar(test) for test in loop.ifs]
                with self.scope.block() as addition:
                    addition.append(Assign(total, Binary("+", Local(total), self.scalar(node.elt))))
                added: Body = tuple(addition)
                for condition in reversed(conditions):
                    added = (If(condition, added),)
                statements.extend(added)
            return tuple(statements)

        assert isinstance(loop.target, ast.Name)
        self.over_messages(loop.target.id, body, node)
        return Local(total)

    def _inline(self, function: Any, first: list[Value], node: ast.Call) -> Value:
        if not isinstance(function, FunctionType):
            known = "a Python function, or one of math.* and NumPy's scalar functions"
            raise self.scope.error(f"{ast.unparse(node.func)} cannot be compiled: it is not {known}", node)
        arguments = first + [self.value(argument) for argument in node.args]
        keywords = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        return self.inline(function, arguments, node, keywords)


def _known(value: Any) -> Value:
    """A Python value met at compile time: numbers are constants."""
    if isinstance(value, (bool, np.bool_)):
        return Const(bool(value))
    if isinstance(value, (int, np.integer)):
        return Const(int(value))
    if isinstance(value, (float, np.floating)):
        return Const(float(value))
    return Object(value)


def _describe(value: Value) -> str:
    match value:
        case Object(found) if isinstance(found, ModuleType):
            return f"module {found.__name__}"
        case Object(found) if isinstance(found, (FunctionType, BuiltinFunctionType)):
            return f"function {found.__name__}"
        case Object(found):
            return f"a {type(found).__name__}"
        case SelfRef():
            return "self"
        case MessagesRef():
            return "messages"
        case MessageRef():
            return "a message"
        case Method(_, name):
            return f"method {name}"
        case ActivationRef():
            return "self.activation"
        case TupleValue():
            return "a tuple"
    return "a number"
