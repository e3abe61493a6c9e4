"""One neuron class understood: its methods in NIR, specialised and hoisted, and what follows from them.

The analysis knows nothing of a network. It depends on the class and the activation only; numbers that a layer may
override stay symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType

from ..activations.base import Activation
from ..errors import NeuronError, SourceLine
from ..neuron import Neuron, hyperparameters
from .algebra import add, axes, multiply, negate
from .drops import Drop, find_drop
from .loops import Carry, Hoisted, Kept, classify
from .lower import lower_method
from .nir import Assign, Axes, Backpropagate, Binary, Body, Const, Expr, FeedForward, Field, Hyper, MessageLoop
from .nir import Output, Push, PushFactor, RangeLoop, SetSlope, Slope, Stmt, Type, Unary, Uniform, While
from .nir import all_expressions, bodies, reads, type_of_number, walk, with_bodies, writes
from .once import calls, pushes_per_message, pushing_loops
from .prune import drop, propagate, prune, specialise
from .source import read_source
from .subject import Subject
from .types import infer_locals


@dataclass(frozen=True)
class LoopReport:
    """What became of one message loop: `kept` is None where it is a matrix product."""

    method: str
    where: SourceLine | None
    kept: Kept | None


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the compiler knows of a neuron class with an activation.

    Args:
        subject: both.
        forward: `forward` while training, loops hoisted where possible.
        predict: `forward` while predicting.
        backward: `backward`; None where the class has none.
        state: what `forward` leaves for `backward`, by name, ``self.`` included.
        slope: True where `backward` asks for the slope at the remembered point.
        weighted_sum: True where `forward` is one weighted sum of its inputs and all else works on that sum.
        carry: the part of the push that depends on no example.
        scale: where the push is ``scale · output · delta`` with a scale that is one number for the layer; else None.
        pushes: "none", "product" (a matrix product) or "loop" (anything else).
        drop: the draw that takes a neuron out of a batch, or None.
        loops: what became of each message loop.
        fields: the message fields that `backward` reads.
    """

    subject: Subject
    forward: Body
    predict: Body
    backward: Body | None
    state: dict[str, Type]
    slope: bool
    weighted_sum: bool
    carry: Carry
    scale: Expr | None
    pushes: str
    drop: Drop | None
    loops: tuple[LoopReport, ...]
    fields: frozenset[str]

    @property
    def loops_kept(self) -> bool:
        """True where some message loop is no matrix product."""
        return any(report.kept for report in self.loops)


def analyse(
    cls: type[Neuron], activation: Activation, numbers: Mapping[str, float | int | bool] | None = None
) -> Analysis:
    """Understand a neuron class; remembered per class, activation object and types of the hyperparameters.

    Args:
        cls: the class.
        activation: the activation of its layer.
        numbers: the layer's hyperparameters, of which only the types matter; the class's own by default.

    Raises:
        NeuronError: what the compiler cannot compile, with the user's file and line.
    """
    numbers = hyperparameters(cls) if numbers is None else numbers
    return _analyse(cls, activation, tuple((name, type_of_number(numbers[name])) for name in sorted(numbers)))


@lru_cache(maxsize=256)
def _analyse(cls: type[Neuron], activation: Activation, types: tuple[tuple[str, Type], ...]) -> Analysis:
    return _build(Subject(cls, activation, types))


def _build(subject: Subject) -> Analysis:
    subject.check()
    raw = lower_method(subject, "forward")
    _check_calls(subject, raw, FeedForward, "feedforward", "forward")
    raw = _initial_state(subject, raw)
    training = _training(raw, True)
    backward_raw = _training(lower_method(subject, "backward"), True) if subject.method("backward") else None
    reports: list[LoopReport] = []
    forward, forward_hoists = _hoist(training, "forward", reports)
    predict, _ = _hoist(drop(_training(raw, False), (SetSlope,)), "forward", [])
    if backward_raw is None:
        return Analysis(
            subject, prune(drop(forward, (SetSlope,)), frozenset()), prune(predict, frozenset()), None, {}, False,
            _weighted_sum(training, forward_hoists), Carry(), None, "none", None, tuple(reports), frozenset(),
        )  # fmt: skip
    _check_calls(subject, backward_raw, Backpropagate, "backpropagate", "backward")
    _check_pushes(subject, backward_raw)
    backward, _ = _hoist(backward_raw, "backward", reports)
    state = _state(subject, forward, backward)
    slope = any(isinstance(part, Slope) for part in all_expressions(backward))
    if not slope:
        forward = drop(forward, (SetSlope,))
    forward = prune(forward, frozenset(state))
    carry, scale, pushes = _pushes(backward, reports)
    return Analysis(
        subject, forward, prune(predict, frozenset()), prune(backward, frozenset()), state, slope,
        _weighted_sum(training, forward_hoists), carry, scale, pushes,
        find_drop(forward, backward) if not any(report.kept for report in reports) else None, tuple(reports),
        frozenset(part.name for part in all_expressions(backward_raw) if isinstance(part, Field)),
    )  # fmt: skip


def _training(body: Body, value: bool) -> Body:
    def change(expression: Expr) -> Expr:
        return Const(value) if expression == Uniform("training") else expression

    return specialise(body, change)


def _initial_state(subject: Subject, body: Body) -> Body:
    """An attribute that a class declares and `forward` assigns starts each example at the declared number."""
    declared = subject.hyperparameters
    initial = [
        Assign(name, Hyper(name.removeprefix("self."), declared[name.removeprefix("self.")]))
        for name in sorted(reads(body) & {f"self.{name}" for name in subject.state if name in declared})
    ]
    return (*initial, *body)


def _hoist(body: Body, method: str, reports: list[LoopReport]) -> tuple[Body, list[Hoisted]]:
    body = propagate(body, lambda expression: not axes(expression, {}))
    hoists: list[Hoisted] = []

    def visit(statements: Body, top: bool, repeated: bool) -> Body:
        result: list[Stmt] = []
        for statement in statements:
            if isinstance(statement, MessageLoop):
                found = _loop(statement, body, method, top, repeated)
                reports.append(LoopReport(method, statement.where, found if isinstance(found, Kept) else None))
                if isinstance(found, Hoisted):
                    hoists.append(found)
                    result.extend(found.statements)
                    continue
                result.append(statement)
                continue
            again = repeated or isinstance(statement, (RangeLoop, While))
            inner = tuple(visit(nested, False, again) for nested in bodies(statement))
            result.append(with_bodies(statement, inner) if inner else statement)
        return tuple(result)

    return visit(body, True, False), hoists


def _loop(loop: MessageLoop, body: Body, method: str, top: bool, repeated: bool) -> Hoisted | Kept:
    elsewhere = _reads_outside(body, loop)
    found = classify(loop, method, elsewhere, {})
    if isinstance(found, Hoisted) and found.factor is not None:
        if repeated:
            return Kept("the push stands in a loop that may run again", loop.where)
        if not top and not found.carry.empty:
            return Kept("what the push adds of the weight itself stands under a condition", loop.where)
    return found


def _reads_outside(body: Body, loop: MessageLoop) -> set[str]:
    found: set[str] = {name for name in writes(body) if name.startswith("self.")}

    def visit(statements: Body) -> None:
        for statement in statements:
            if statement is loop:
                continue
            shallow = with_bodies(statement, tuple(() for _ in bodies(statement)))
            found.update(reads((shallow,)))
            for nested in bodies(statement):
                visit(nested)

    visit(body)
    return found


def _weighted_sum(unhoisted: Body, hoists: list[Hoisted]) -> bool:
    loops = calls(unhoisted, MessageLoop)
    plain = all(list(found.sums.values()) == [Const(1.0)] for found in hoists)
    count = sum(isinstance(statement, MessageLoop) for statement in walk(unhoisted))
    return loops.most == 1 and plain and len(hoists) == count


def _state(subject: Subject, forward: Body, backward: Body) -> dict[str, Type]:
    kept = {name for name in reads(backward) & writes(forward) if name.startswith("self.")}
    types = infer_locals(forward)
    for name in reads(backward):
        if name.startswith("self.") and name not in writes(forward) and name not in writes(backward):
            raise NeuronError(
                f"{subject.name}.backward reads {name}, but neither forward nor backward sets it on any path that "
                "training takes"
            )
    return {name: types[name] for name in sorted(kept)}


def _pushes(backward: Body, reports: list[LoopReport]) -> tuple[Carry, Expr | None, str]:
    if any(isinstance(statement, Push) for statement in walk(backward)):
        return Carry(), None, "loop"
    factors = [statement for statement in walk(backward) if isinstance(statement, PushFactor)]
    if not factors:
        return Carry(), None, "none"
    carry = Carry(factors[0].beta, factors[0].gamma)
    scale = _coefficient_of_output(factors[0].value) if len(factors) == 1 and factors[0] in backward else None
    return carry, scale, "product"


def _coefficient_of_output(value: Expr) -> Expr | None:
    """c where `value` is c · output with one number c for the layer; None where it is not."""
    match value:
        case Output():
            return Const(1.0)
        case Unary("-", operand):
            inner = _coefficient_of_output(operand)
            return None if inner is None else negate(inner)
        case Binary("*", left, right):
            for one, other in ((left, right), (right, left)):
                inner = _coefficient_of_output(one)
                if inner is not None and not axes(other, {}):
                    return multiply(inner, other)
        case Binary("/", left, right):
            inner = _coefficient_of_output(left)
            if inner is not None and not axes(right, {}):
                return Binary("/", inner, right)
        case Binary("+", left, right):
            first, second = _coefficient_of_output(left), _coefficient_of_output(right)
            if first is not None and second is not None:
                return add(first, second)
    return None


def _check_calls(subject: Subject, body: Body, kind: type[Stmt], name: str, method: str) -> None:
    times = calls(body, kind)
    function = subject.method(method)
    assert isinstance(function, FunctionType)
    source = read_source(function)
    if times.most == 0:
        raise NeuronError(
            f"{subject.name}.{method} never calls self.{name}(...): call it exactly once", source.where(source.tree)
        )
    if times.least == 2:
        places = [statement.where for statement in walk(body) if isinstance(statement, kind)]
        raise NeuronError(f"{subject.name}.{method} calls self.{name}(...) twice: call it exactly once", places[-1])


def _check_pushes(subject: Subject, body: Body) -> None:
    again = "updates are proposed once per synapse: add them up and push the sum"
    for statement in walk(body):
        if isinstance(statement, MessageLoop) and pushes_per_message(statement).most > 1:
            last = [inner.where for inner in walk(statement.body) if isinstance(inner, Push)][-1]
            raise NeuronError(f"{subject.name}.backward may call self.push twice for one message; {again}", last)
    if pushing_loops(body).most > 1:
        last = [inner.where for inner in walk(body) if isinstance(inner, Push)][-1]
        raise NeuronError(f"{subject.name}.backward pushes in two loops over the messages; {again}", last)

