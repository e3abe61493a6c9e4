"""The statements of the NIR; see `expressions`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...errors import SourceLine
from .expressions import ONE, ZERO, Expr


@dataclass(frozen=True)
class Stmt:
    """A statement; `where` is the user's line."""

    where: SourceLine | None = field(default=None, compare=False, kw_only=True)


Body = tuple[Stmt, ...]


@dataclass(frozen=True)
class Assign(Stmt):
    name: str
    value: Expr


@dataclass(frozen=True)
class If(Stmt):
    condition: Expr
    then: Body
    otherwise: Body = ()


@dataclass(frozen=True)
class MessageLoop(Stmt):
    """``for m in messages``."""

    body: Body


@dataclass(frozen=True)
class RangeLoop(Stmt):
    """``for name in range(start, stop, step)``."""

    name: str
    start: Expr
    stop: Expr
    step: Expr
    body: Body


@dataclass(frozen=True)
class While(Stmt):
    """``while True``: leaves by Break."""

    body: Body


@dataclass(frozen=True)
class Break(Stmt):
    pass


@dataclass(frozen=True)
class Continue(Stmt):
    pass


@dataclass(frozen=True)
class FeedForward(Stmt):
    value: Expr


@dataclass(frozen=True)
class Backpropagate(Stmt):
    value: Expr


@dataclass(frozen=True)
class Push(Stmt):
    """Propose an update for the weight of the message at hand."""

    value: Expr


@dataclass(frozen=True)
class Keep(Stmt):
    """`backward` ends: the example leaves `value` in the neuron's `State` of that name."""

    name: str
    value: Expr


@dataclass(frozen=True)
class SetField(Stmt):
    """Set a `SynapseState` of the synapse at hand."""

    name: str
    value: Expr


@dataclass(frozen=True)
class SetSlope(Stmt):
    """`forward` applied the activation: remember the slope there.

    `point` is what it was applied to, `result` what came of it.
    """

    value: Expr
    point: Expr = ZERO
    result: Expr = ZERO


@dataclass(frozen=True)
class PushFactor(Stmt):
    """What a hoisted push leaves of itself: value · left · right for every message.

    Args:
        value: differs between neurons and examples.
        left: what differs between examples, made of `delta`, or ``m.weight_gradient``.
        right: what differs between neurons, made of `weight`, `prev_weight`.

    D is (Σ over examples of value · left) · right: a matrix product, and a pass over the weights where right is not 1.
    """

    value: Expr
    left: Expr = ONE
    right: Expr = ONE
