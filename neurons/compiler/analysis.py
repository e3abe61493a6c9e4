"""One neuron class understood: its methods in NIR, specialised and hoisted, and what follows from them.

The analysis knows nothing of a network. It depends on the class and the activation only; numbers that a layer may
override stay symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType

from ..activations.base import Activation
from ..errors import NeuronError
from ..neuron import Neuron, hyperparameters
from .algebra import add, axes, multiply, negate
from .assigned import check_assigned
from .drops import Drop, find_drop
from .frames import Captured
from .hoist import LoopReport, hoist, hoist_backward
from .keeping import backward_keeping, check_synapse_states, forward_keeping, states_in
from .loops import Carry, Hoisted
from .lower import lower_method
from .nir import (
    Assign,
    Backpropagate,
    Binary,
    Body,
    Const,
    Expr,
    FeedForward,
    Field,
    Hyper,
    Keep,
    MessageLoop,
    Output,
    Push,
    PushFactor,
    SetSlope,
    Slope,
    Stmt,
    Type,
    Unary,
    Uniform,
    type_of_number,
)
from .once import calls, check_pushes
from .prune import drop, prune, specialise
from .source import read_source
from .subject import Subject
from .trees import all_expressions, reads, walk, writes
from .types import check_whole_numbers, infer_locals


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the compiler knows of a neuron class with an activation.

    Args:
        subject: both.
        forward: `forward` while training, loops hoisted where possible.
        predict: `forward` while predicting.
        backward: `backward`; None where the class has none.
        state: what `forward` leaves for `backward`, or in a `State`, by name, ``self.`` included.
        kept: names of the `State`s that its methods write.
        slope: True where `backward` asks for the slope at the remembered point.
        weighted_sum: True where `forward` is one weighted sum of its inputs and all else works on that sum.
        carry: the part of the push that depends on no example.
        scale: where the push is ``scale · output · delta`` with a scale that is one number for the layer; else None.
        pushes: "none", "product" (a matrix product) or "loop" (anything else).
        drop: the draw that takes a neuron out of a batch, or None.
        loops: what became of each message loop.
        fields: the message fields that `backward` reads.
        captured: the values from outside of the class that all this was specialised to.
    """

    subject: Subject
    forward: Body
    predict: Body
    backward: Body | None
    state: dict[str, Type]
    kept: frozenset[str]
    slope: bool
    weighted_sum: bool
    carry: Carry
    scale: Expr | None
    pushes: str
    drop: Drop | None
    loops: tuple[LoopReport, ...]
    fields: frozenset[str]
    captured: tuple[Captured, ...]

    @property
    def slope_missing(self) -> bool:
        """True where `backward` asks for the slope, and no method ever applies the activation."""
        bodies = (self.forward, self.backward or ())
        return self.slope and not any(isinstance(item, SetSlope) for body in bodies for item in walk(body))

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
    key = cls, activation, tuple((name, type_of_number(numbers[name])) for name in sorted(numbers))
    known = _ANALYSES.get(key)
    if known is None or not all(captured.holds() for captured in known.captured):
        if len(_ANALYSES) >= _MOST:
            _ANALYSES.pop(next(iter(_ANALYSES)), None)
        known = _ANALYSES[key] = _build(Subject(*key))
    return known


#: What is known already: so many classes with their activations, the oldest forgotten first.
_MOST = 256
_ANALYSES: dict[tuple[type[Neuron], Activation, tuple[tuple[str, Type], ...]], Analysis] = {}


def _build(subject: Subject) -> Analysis:
    subject.check()
    lowered = lower_method(subject, "forward")
    raw = lowered.body
    _check_calls(subject, raw, FeedForward, "feedforward", "forward")
    changed = states_in(subject, writes(raw))
    raw = forward_keeping(subject, _with_declared(subject, raw, reads(raw) | writes(raw)))
    check_whole_numbers(raw)
    training = _training(raw, True)
    reports: list[LoopReport] = []
    forward, forward_hoists = hoist(training, "forward", reports)
    predicting = _training(raw, False)
    check_assigned(f"{subject.name}.forward", predicting)
    left = check_assigned(f"{subject.name}.forward", training)
    predict, _ = hoist(drop(predicting, (SetSlope,)), "forward", [])
    predict = prune(predict, frozenset())
    weighted_sum = _weighted_sum(training, forward_hoists)
    if subject.method("backward") is None:
        return Analysis(
            subject, prune(drop(forward, (SetSlope,)), frozenset()), predict, None, {}, frozenset(), False,
            weighted_sum, Carry(), None, "none", None, tuple(reports), frozenset(), lowered.captured,
        )  # fmt: skip
    lowered_backward = lower_method(subject, "backward")
    backward_raw = lowered_backward.body
    backward_raw = backward_keeping(subject, backward_raw, changed)
    backward_raw = _training(_with_declared(subject, backward_raw, reads(backward_raw) - writes(raw)), True)
    check_whole_numbers(backward_raw)
    _check_calls(subject, backward_raw, Backpropagate, "backpropagate", "backward")
    check_pushes(subject.name, backward_raw)
    check_assigned(f"{subject.name}.backward", backward_raw, left)
    check_synapse_states(subject.name, backward_raw)
    backward = hoist_backward(backward_raw, reports)
    state = _state(subject, forward, backward, changed)
    slope = any(isinstance(part, Slope) for part in all_expressions(backward))
    if not slope:
        forward = drop(forward, (SetSlope,))
    forward = prune(forward, frozenset(state))
    backward = prune(backward, frozenset())
    carry, scale, pushes = _pushes(backward)
    return Analysis(
        subject, forward, predict, backward, state, _kept(changed, backward), slope, weighted_sum,
        carry, scale, pushes,
        None if subject.kept or any(report.kept for report in reports) else find_drop(forward, backward),
        tuple(reports),
        frozenset(part.name for part in all_expressions(backward_raw) if isinstance(part, Field)),
        lowered.captured + lowered_backward.captured,
    )  # fmt: skip


def _training(body: Body, value: bool) -> Body:
    def change(expression: Expr) -> Expr:
        return Const(value) if expression == Uniform("training") else expression

    return specialise(body, change)


def _with_declared(subject: Subject, body: Body, names: set[str]) -> Body:
    """What a class declares and its methods assign starts each example at the declared number."""
    declared = {f"self.{name}": kind for name, kind in subject.hyperparameters.items() if name in subject.state}
    initial = [
        Assign(name, Hyper(name.removeprefix("self."), declared[name])) for name in sorted(names & set(declared))
    ]
    return (*initial, *body)


def _weighted_sum(unhoisted: Body, hoists: list[Hoisted]) -> bool:
    loops = calls(unhoisted, MessageLoop)
    plain = all(list(found.sums.values()) == [Const(1.0)] for found in hoists)
    count = sum(isinstance(statement, MessageLoop) for statement in walk(unhoisted))
    return loops.most == 1 and plain and len(hoists) == count


def _state(subject: Subject, forward: Body, backward: Body, changed: set[str]) -> dict[str, Type]:
    """What `forward` leaves for `backward`; and in a `State`, whether `backward` reads it or not."""
    types = infer_locals(forward)
    handed = {name for name in reads(backward) & writes(forward) if name.startswith("self.")}
    return {name: types[name] for name in sorted(handed - states_in(subject, handed) | changed)}


def _kept(changed: set[str], backward: Body) -> frozenset[str]:
    """Names of the states that `forward` or `backward` writes."""
    kept = {statement.name for statement in walk(backward) if isinstance(statement, Keep)}
    return frozenset(kept | {name.removeprefix("self.") for name in changed})


def _pushes(backward: Body) -> tuple[Carry, Expr | None, str]:
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
