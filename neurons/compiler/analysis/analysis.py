"""One neuron class understood: its methods in NIR, specialised and hoisted, and what follows from them.

The analysis knows nothing of a network. It depends on the class and the activation only; numbers that a layer may
override stay symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import FunctionType

from ...activations.base import Activation
from ...errors import NeuronError
from ...neuron import Neuron, hyperparameters
from ..capture.assigned import check_assigned
from ..capture.frames import Captured
from ..capture.keeping import backward_keeping, check_synapse_states, forward_keeping, states_in
from ..capture.lower import Lowered, lower_method
from ..capture.source import read_source
from ..capture.subject import Subject
from ..derivatives.complete import Completion, completed
from ..derivatives.derive import Derivation, derive
from ..derivatives.flattening import dataflow
from ..nir.copies import without_copies
from ..nir.expressions import ONE, Const, Expr, Field, Gemm, Hyper, Slope, Type, Uniform, type_of_number
from ..nir.prune import drop, prune, specialise, without_draws
from ..nir.statements import (
    Assign,
    Backpropagate,
    Body,
    FeedForward,
    Keep,
    MessageLoop,
    Push,
    PushFactor,
    SetSlope,
    Stmt,
)
from ..nir.trees import all_expressions, draws_of_synapses, reads, walk, writes
from ..nir.types import check_whole_numbers, infer_locals
from .drops import Drop, find_drop
from .hoist import hoist, hoist_backward
from .loops import Hoisted
from .once import calls, check_pushes
from .phases import refusals
from .products import Term
from .pushes import Carry, how_formed, scale_of, take_carry
from .receivers import before_weighted_sums, obstacle
from .reports import LoopReport


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the compiler knows of a neuron class with an activation.

    Args:
        subject: both.
        forward: `forward` while training, loops hoisted where possible.
        predict: `forward` while predicting.
        backward: `backward`, what the receivers decide left open (see `receivers`); None where the class has none.
        state: what `forward` leaves for `backward`, or in a `State`, by name, ``self.`` included.
        kept: names of the `State`s that its methods write.
        slope: True where `backward` asks for the slope at the remembered point.
        weighted_sum: True where `forward` is one weighted sum of its inputs and all else works on that sum.
        derivation: the derivatives that `forward` defines; the error where it has none.
        completion: what of `backward` comes from these and was not written.
        carry: the part of the push that depends on no example.
        scale: where the push is ``scale · output · delta`` with a scale that is one number for the layer; else None.
        pushes: how the rest of it is formed: see `pushes.how_formed`.
        through: True where the receivers are no weighted sums, and give the gradients by messages themselves.
        obstacle: why `backward` cannot be compiled before such receivers; None where it can.
        drop: the draw that takes a neuron out of a batch, or None.
        loops: what became of each message loop.
        fields: the message fields that `backward` reads.
        captured: the values from outside of the class that all this was specialised to.
        aside: why the compiler refuses what changes no number, and is left out here; None where nothing is.
    """

    subject: Subject
    forward: Body
    predict: Body
    backward: Body | None
    state: dict[str, Type]
    kept: frozenset[str]
    slope: bool
    weighted_sum: bool
    derivation: Derivation | NeuronError
    completion: Completion
    carry: Carry
    scale: Expr | None
    pushes: str
    through: bool
    obstacle: NeuronError | None
    drop: Drop | None
    loops: tuple[LoopReport, ...]
    fields: frozenset[str]
    captured: tuple[Captured, ...]
    aside: NeuronError | None

    @property
    def slope_missing(self) -> bool:
        """True where `backward` asks for the slope, and no method ever applies the activation."""
        bodies = (self.forward, self.backward or ())
        return self.slope and not any(isinstance(item, SetSlope) for body in bodies for item in walk(body))

    @cached_property
    def draws_synapses(self) -> bool:
        """True where `forward` asks for the draws of its synapses while training."""
        return draws_of_synapses(self.forward)

    @property
    def sums_by_draws(self) -> bool:
        """True where `forward` is one weighted sum of the inputs, but that synapses draw whether they take part."""
        sums = {part for part in all_expressions(self.forward) if isinstance(part, Gemm)}
        loops = any(isinstance(statement, MessageLoop) for statement in walk(self.forward))
        return (
            self.draws_synapses and not loops and {Gemm(it.left, without_draws(it.right)) for it in sums} == {WEIGHTED}
        )

    @cached_property
    def predicts_by_synapses(self) -> bool:
        """The same while predicting."""
        return draws_of_synapses(self.predict)

    @property
    def loops_kept(self) -> bool:
        """True where some message loop is no matrix product."""
        return any(report.kept for report in self.loops)

    @cached_property
    def of_inputs(self) -> Analysis:
        """The same for a network's inputs: nobody needs their delta, and `forward` leaves only what the push takes."""
        if self.backward is None or self.kept or self.through:
            return self
        backward = prune(drop(self.backward, (Backpropagate,)), frozenset())
        slope = any(isinstance(part, Slope) for part in all_expressions(backward))
        state = {name: kind for name, kind in self.state.items() if name in reads(backward)}
        forward = self.forward if slope else drop(self.forward, (SetSlope,))
        forward = prune(forward, frozenset(state))
        return replace(self, forward=forward, backward=backward, state=state, slope=slope)

    @property
    def without_absent(self) -> bool:
        """True where messages whose input or delta is 0 add nothing to any sum or push: they need not be computed."""
        bodies = (self.forward, self.predict, before_weighted_sums(self.backward or ()))
        sums = {part for body in bodies for part in all_expressions(body) if isinstance(part, Gemm)}
        pushes = [item for body in bodies for item in walk(body) if isinstance(item, PushFactor)]
        plain = all(item.left == Field("delta") and item.right == ONE for item in pushes)
        return (
            not self.through
            and not self.loops_kept
            and plain
            and sums <= {WEIGHTED, Gemm(Field("delta"), Field("weight"))}
        )


#: Σ input · weight.
WEIGHTED = Gemm(Field("input"), Field("weight"))


def analyse(
    cls: type[Neuron],
    activation: Activation,
    numbers: Mapping[str, float | int | bool] | None = None,
    *,
    through: bool = False,
) -> Analysis:
    """Understand a neuron class; remembered per class, activation and types of the hyperparameters.

    Args:
        cls: the class.
        activation: the activation of its layer.
        numbers: the layer's hyperparameters, of which only the types matter; the class's own by default.
        through: True where its receivers are no weighted sums.

    Raises:
        NeuronError: what the compiler cannot compile, with the user's file and line.
    """
    numbers = hyperparameters(cls) if numbers is None else numbers
    types = tuple((name, type_of_number(numbers[name])) for name in sorted(numbers))
    key = cls, type(activation) if _is_plain(activation) else activation, types, through
    known = _ANALYSES.get(key)
    if known is None or not all(captured.holds() for captured in known.captured):
        if len(_ANALYSES) >= _MOST:
            _ANALYSES.pop(next(iter(_ANALYSES)), None)
        known = _ANALYSES[key] = _build(Subject(cls, activation, types), through)
    return known


def _is_plain(activation: Activation) -> bool:
    """True where nothing tells one object of the class from another: no attributes, no slots, no data of a base's."""
    cls = type(activation)
    return not (vars(activation) or cls.__itemsize__ or cls.__basicsize__ > Activation.__basicsize__)


#: What is known already: so many classes with their activations, the oldest forgotten first.
_MOST = 256
_ANALYSES: dict[tuple[type[Neuron], Activation | type[Activation], tuple[tuple[str, Type], ...], bool], Analysis] = {}


def _build(subject: Subject, through: bool) -> Analysis:
    subject.check()
    lowered = lower_method(subject, "forward")
    raw = lowered.body
    _check_calls(subject, raw, FeedForward, "feedforward", "forward")
    changed = states_in(subject, writes(raw))
    raw = forward_keeping(subject, _with_declared(subject, raw, reads(raw) | writes(raw)))
    check_whole_numbers(raw)
    training = _training(raw, True)
    _, hoists = hoist(training, "forward", [])
    weighted_sum = _weighted_sum(training, hoists)
    derivation = _derivation(training, weighted_sum)
    taped = training if isinstance(derivation, NeuronError) else derivation.flow.taped
    reports: list[LoopReport] = []
    forward, _ = hoist(taped, "forward", reports)
    predicting = _training(raw, False)
    check_assigned(f"{subject.name}.forward", predicting)
    left = check_assigned(f"{subject.name}.forward", training)
    predict, _ = hoist(drop(predicting, (SetSlope,)), "forward", [])
    predict = prune(without_copies(predict), frozenset())
    lowered_backward = lower_method(subject, "backward") if subject.method("backward") else Lowered()
    backward_raw = lowered_backward.body
    backward_raw = backward_keeping(subject, backward_raw, changed)
    backward_raw = _training(_with_declared(subject, backward_raw, reads(backward_raw) - writes(raw)), True)
    check_assigned(f"{subject.name}.backward", backward_raw, left)
    check_synapse_states(subject.name, backward_raw)
    completion = _completion(subject, backward_raw, derivation)
    if isinstance(derivation, NeuronError) and subject.method("backward") is None:
        return Analysis(
            subject, prune(drop(forward, (SetSlope,)), frozenset()), predict, None, {}, frozenset(), False,
            weighted_sum, derivation, completion, Carry(), None, "none", through, None, None,
            _with_tiers(reports, {"forward": forward}), frozenset(), lowered.captured,
                next(iter(lowered.asides), None),
        )  # fmt: skip
    if not isinstance(derivation, NeuronError):
        backward_raw = completed(backward_raw, derivation, completion)
    check_whole_numbers(backward_raw)
    if completion is Completion.NOTHING:
        _check_calls(subject, backward_raw, Backpropagate, "backpropagate", "backward")
    check_pushes(subject.name, backward_raw)
    backward = without_copies(hoist_backward(backward_raw, reports, infer_locals(forward)))
    backward, carry = take_carry(prune(backward, frozenset()))
    state = _state(subject, forward, backward, changed, _tape(derivation, weighted_sum))
    slope = any(isinstance(part, Slope) for part in all_expressions(backward))
    if not slope:
        forward = drop(forward, (SetSlope,))
    forward = prune(without_copies(forward), frozenset(state))
    known = backward if through else before_weighted_sums(backward)
    return Analysis(
        subject, forward, predict, backward, state, _kept(changed, backward), slope, weighted_sum, derivation,
        completion, carry, scale_of(known), how_formed(known), through,
        obstacle(subject.name, backward) if through else None,
        None if subject.kept or any(report.kept for report in reports) else find_drop(forward, known),
        _with_tiers(reports, {"forward": forward, "backward": backward}),
        frozenset(part.name for part in all_expressions(backward_raw) if isinstance(part, Field)),
        lowered.captured + lowered_backward.captured,
        next(iter(lowered.asides + lowered_backward.asides), None),
    )  # fmt: skip


def _with_tiers(reports: list[LoopReport], methods: dict[str, Body]) -> tuple[LoopReport, ...]:
    """The reports, with why a loop that is no product is scalar."""
    scalar = {method: refusals(body) for method, body in methods.items()}
    return tuple(
        replace(report, scalar=scalar[report.method].get(report.where)) if report.kept else report for report in reports
    )


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
    plain = all(list(found.sums.values()) == [[Term(ONE, WEIGHTED.left, WEIGHTED.right)]] for found in hoists)
    count = sum(isinstance(statement, MessageLoop) for statement in walk(unhoisted))
    return loops.most == 1 and plain and len(hoists) == count


def _state(subject: Subject, forward: Body, backward: Body, changed: set[str], tape: set[str]) -> dict[str, Type]:
    """What `forward` leaves for `backward`, for that of the senders; and in a `State`, whether it is read or not."""
    types = infer_locals(forward)
    handed = {name for name in (reads(backward) | tape) & writes(forward) if name.startswith("self.")}
    return {name: types[name] for name in sorted(handed - states_in(subject, handed) | changed)}


def _kept(changed: set[str], backward: Body) -> frozenset[str]:
    """Names of the states that `forward` or `backward` writes."""
    kept = {statement.name for statement in walk(backward) if isinstance(statement, Keep)}
    return frozenset(kept | {name.removeprefix("self.") for name in changed})


def _derivation(training: Body, weighted_sum: bool) -> Derivation | NeuronError:
    try:
        return derive(dataflow(training), weighted_sum)
    except NeuronError as error:
        return error


def _completion(subject: Subject, backward: Body, derivation: Derivation | NeuronError) -> Completion:
    if subject.method("backward") is None:
        return Completion.ALL
    kinds = {type(statement) for statement in walk(backward)}
    only_pushes = Push in kinds and Backpropagate not in kinds
    return Completion.DELTA if only_pushes and not isinstance(derivation, NeuronError) else Completion.NOTHING


def _tape(derivation: Derivation | NeuronError, weighted_sum: bool) -> set[str]:
    """What the derivatives by the messages read; before a weighted sum they are products."""
    return set() if isinstance(derivation, NeuronError) or weighted_sum else derivation.messages.reads


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
