"""Calls in the user's source: draws, the activation, helpers and methods, mathematics, sums over messages."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from ...activations.base import Activation
from ...errors import NeuronError
from ...neuron import Neuron
from ..nir.expressions import Binary, Call, Const, Count, Draw, Expr, Local, Slope, SynapseDraw, Unary
from ..nir.intrinsics import INTRINSICS, intrinsic_name, meaning
from ..nir.statements import Assign, Body, If, SetSlope
from .frames import Scope
from .messages import over_messages
from .names import Inline
from .subject import Subject
from .values import (
    ActivationRef,
    MessageRef,
    MessagesRef,
    Method,
    Object,
    SelfRef,
    TableRef,
    TupleValue,
    Value,
    describe,
    known,
)

if TYPE_CHECKING:
    from .expressions import Expressions

_DRAWS = {"binomial": (("n", "p"), ()), "uniform": (("a", "b"), (0.0, 1.0)), "normal": (("mu", "sigma"), (0.0, 1.0))}
_ACTIONS = {"feedforward", "backpropagate", "push"}
#: The slope where the activation was last applied, as `forward` itself sees it; 0 before.
SLOPE = Local("slope")


_INSTEAD_OF_DRAWS = "draw with self.normal(mu, sigma), self.uniform(a, b) or self.binomial(n, p)"


def _draws(function: Any) -> bool:
    """True for the methods of Python's and NumPy's generators, those that stand in the modules included."""
    return type(getattr(function, "__self__", None)).__module__.startswith(("random", "numpy.random"))


def _instead(function: Any) -> str:
    """What to write in place of a function that cannot be compiled."""
    if function is print:
        return "leave it out, or print with engine='interpreter'"
    if function is enumerate:
        return "loop over the messages; m.sender is a message's number in forward, m.receiver in backward"
    if function in (any, all):
        return "loop over the messages and keep what was found in a variable"
    if function is isinstance:
        return "a neuron knows beforehand what is a number"
    if function is sum:
        return "write sum(... for m in messages), without brackets"
    if isinstance(function, type) and issubclass(function, Activation):
        return f"give it to the layer, add_layer(units, {function.__name__}, ...), and write self.activation(x)"
    return "write it out with these, or use engine='interpreter', which runs any Python"


class Calls:
    """Lowers calls within a scope.

    Args:
        subject: the neuron class.
        scope: frames and statements.
        method: "forward" or "backward".
        inline: lowers the body of a called function in place.
        expressions: lowers the arguments.
    """

    def __init__(
        self,
        subject: Subject,
        scope: Scope,
        method: str,
        inline: Inline,
        expressions: Expressions,
    ) -> None:
        self.subject = subject
        self.scope = scope
        self.method = method
        self.inline = inline
        self.expressions = expressions

    def call(self, node: ast.Call) -> Value:
        """What a call denotes; its effects are emitted."""
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            if self.scope.frame.owner is None or node.args:
                raise self.scope.error("write super() without arguments, in a method of the neuron", node)
            return SelfRef(after=self.scope.frame.owner)
        self.check_plain(node)
        target = self.expressions.value(node.func)
        match target:
            case Method(SelfRef(), name) if self.of_language(target) and name in _DRAWS:
                return self._draw(name, node)
            case Method(SelfRef(), name) if self.of_language(target) and name in _ACTIONS:
                raise self.scope.error(f"self.{name}(...) gives nothing back; write it as a statement of its own", node)
            case Method(SelfRef(after), name):
                return self._inline(self.subject.find(name, after), [SelfRef()], node)
            case ActivationRef():
                return self._activate(node)
            case Method(MessageRef(), _):
                return self._synapse_draw(node)
            case Method(ActivationRef(), "derivative"):
                return self._derivative(node)
            case Object(value):
                return self._object(value, node)
        raise self.scope.error(f"{describe(target)} cannot be called", node)

    def of_language(self, method: Method) -> bool:
        """True where a method of the neuron is the language's own, which no class overrides."""
        after = method.owner.after if isinstance(method.owner, SelfRef) else None
        return self.subject.find(method.name, after) is vars(Neuron).get(method.name)

    def check_plain(self, node: ast.Call) -> None:
        """Refuse ``*`` and ``**`` in a call."""
        if any(isinstance(argument, ast.Starred) for argument in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            raise self.scope.error("* and ** in a call cannot be compiled; write the arguments out", node)

    def arguments(self, node: ast.Call, names: Sequence[str], defaults: Sequence[float] = ()) -> list[Expr]:
        """The scalar arguments of a call, by the names of the parameters; defaults belong to the last of them."""
        if len(node.args) > len(names):
            raise self.scope.error(f"{ast.unparse(node)} takes {len(names)} arguments at most", node)
        nodes = [*node.args, *(keyword.value for keyword in node.keywords)]
        keys = [*names[: len(node.args)], *(str(keyword.arg) for keyword in node.keywords)]
        for position, key in enumerate(keys):
            if key not in names or key in keys[:position]:
                raise self.scope.error(f"unexpected argument {key!r} in {ast.unparse(node)}", node)
        given = dict(zip(keys, self.expressions.scalars(nodes), strict=True))
        for name, default in zip(reversed(names), reversed(defaults), strict=False):
            given.setdefault(name, Const(default))
        missing = [name for name in names if name not in given]
        if missing:
            raise self.scope.error(f"{ast.unparse(node)} lacks the argument {missing[0]!r}", node)
        return [given[name] for name in names]

    def given(self, node: ast.Call) -> tuple[list[Value], dict[str, Value]]:
        """Arguments and keyword arguments of a call to a function of the user's, evaluated in order."""
        values = self.expressions.values([*node.args, *(keyword.value for keyword in node.keywords)])
        plain = len(node.args)
        return values[:plain], {str(k.arg): value for k, value in zip(node.keywords, values[plain:], strict=True)}

    def refusal(self, function: Any, node: ast.Call) -> NeuronError:
        """Why a function cannot be called, and what to write instead."""
        allowed = "a Python function, or one of math.* and NumPy's scalar functions"
        return self.scope.error(
            f"{ast.unparse(node.func)} cannot be compiled: it is not {allowed}; {_instead(function)}", node
        )

    def _inline(self, function: Any, first: list[Value], node: ast.Call) -> Value:
        if not isinstance(function, FunctionType):
            raise self.refusal(function, node)
        arguments, keywords = self.given(node)
        return self.inline(function, first + arguments, node, keywords)

    # What the language offers ------------------------------------------------------------------------------------

    def _draw(self, kind: str, node: ast.Call) -> Expr:
        names, defaults = _DRAWS[kind]
        arguments = self.arguments(node, names, defaults)
        if kind == "binomial":
            self._check_trials(arguments[0], node)
        return self.scope.keep(Draw(kind, tuple(arguments)), kind, node)

    def _synapse_draw(self, node: ast.Call) -> Expr:
        trials, chance = self.arguments(node, _DRAWS["binomial"][0])
        self._check_trials(trials, node)
        return SynapseDraw(trials, chance)

    def _check_trials(self, trials: Expr, node: ast.Call) -> None:
        if isinstance(trials, Const) and (trials.value < 0 or trials.value % 1):
            raise self.scope.error(f"binomial(n, p): n must be a whole number of trials, got {trials}", node)

    def _activate(self, node: ast.Call) -> Value:
        (point,) = self.arguments(node, ["x"])
        x = self.scope.keep(point, "x", node)
        activation = known(self.subject.activation)
        cls = type(self.subject.activation)
        y = self.inline(self.subject.of_activation("apply"), [activation, x], node, {})
        if not isinstance(y, Expr):
            raise self.scope.error(f"{cls.__name__}.apply must return one number", node)
        point_arguments: list[Value] = [activation, y, x] if cls.needs_point() else [activation, y]
        slope = self.inline(self.subject.of_activation("derivative"), point_arguments, node, {})
        if not isinstance(slope, Expr):
            raise self.scope.error(f"{cls.__name__}.derivative must return one number", node)
        self.scope.emit(Assign(SLOPE.name, slope))
        self.scope.emit(SetSlope(SLOPE, x, y, where=self.scope.where(node)))
        return y

    def _derivative(self, node: ast.Call) -> Value:
        if not node.args and not node.keywords:
            return Slope() if self.method == "backward" else SLOPE
        cls = type(self.subject.activation)
        if cls.needs_point():
            raise self.scope.error(
                f"the slope of {cls.__name__} is no function of its output; write self.activation.derivative()", node
            )
        (y,) = self.arguments(node, ["y"])
        return self.inline(self.subject.of_activation("derivative"), [known(self.subject.activation), y], node, {})

    # What Python and its libraries offer -------------------------------------------------------------------------

    def _object(self, function: Any, node: ast.Call) -> Value:
        if function is len:
            match [self.expressions.value(argument) for argument in node.args]:
                case [MessagesRef()]:
                    return Count()
                case [TableRef(table, ())]:
                    return self.expressions.names.length(table)
                case [TupleValue(parts)]:
                    return Const(len(parts))
                case [Object(tuple() | list() | dict() as items)]:
                    return self.expressions.names.known(lambda: len(items))
            raise self.scope.error("len() is known for messages, arrays and tuples only", node)
        match node.args:
            case [ast.GeneratorExp() as terms] if function in (sum, min, max) and not node.keywords:
                return self._over_messages(function, terms)
        meant = meaning(function)
        if meant is not None:
            count, meant_by = meant
            if node.keywords or len(node.args) != count:
                raise self.scope.error(f"{ast.unparse(node)} takes {count} numbers, without their names", node)
            return meant_by(*self.expressions.scalars(node.args))
        name = intrinsic_name(function)
        if name is not None:
            entry = INTRINSICS[name]
            arguments = tuple(self.expressions.scalars(node.args))
            if node.keywords or not entry.least <= len(arguments) <= entry.most:
                raise self.scope.error(f"{ast.unparse(node)}: {name} takes {entry.numbers}", node)
            return Call(name, arguments)
        if _draws(function):
            raise self.scope.error(f"{ast.unparse(node.func)} cannot be compiled; {_INSTEAD_OF_DRAWS}", node)
        function = getattr(function, "py_func", function)  # a function that the user has compiled with numba
        if isinstance(function, MethodType):
            return self._inline(function.__func__, [known(function.__self__)], node)
        return self._inline(function, [], node)

    def _over_messages(self, function: Any, node: ast.GeneratorExp) -> Expr:
        """``sum(term for m in messages if condition)``; or max, or min."""
        loop = node.generators[0]
        name = function.__name__
        known_loop = isinstance(self.expressions.value(loop.iter), MessagesRef)
        if len(node.generators) != 1 or not known_loop or not isinstance(loop.target, ast.Name):
            raise self.scope.error(f"{name}() is known for '{name}(... for m in messages)' only", node)
        total = Local(self.scope.fresh(name))
        found = Local(self.scope.fresh("found"))
        self.scope.emit(Assign(total.name, Const(0)))
        if function is not sum:
            self.scope.emit(Assign(found.name, Const(False)))

        def add() -> Body:
            with self.scope.block() as statements:
                term = self.expressions.scalar(node.elt)
                if function is sum:
                    statements.append(Assign(total.name, Binary("+", total, term)))
                else:
                    # The first of equals stays, as in Python.
                    term = self.scope.keep(term, "term", node)
                    better = Binary(">" if function is max else "<", term, total)
                    changes = Assign(total.name, term), Assign(found.name, Const(True))
                    statements.append(If(Binary("or", Unary("not", found), better), changes))
            return tuple(statements)

        def body(conditions: list[ast.expr]) -> Body:
            if not conditions:
                return add()
            with self.scope.block() as statements:
                condition = self.expressions.scalar(conditions[0])
                statements.append(If(condition, body(conditions[1:])))
            return tuple(statements)

        # The name of the message is the expression's own.
        names = self.scope.frame.names
        before = dict(names)
        over_messages(self.scope, loop.target.id, lambda: body(loop.ifs), node)
        names.clear()
        names.update(before)
        return total
