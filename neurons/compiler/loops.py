"""Which message loops are matrix products.

A loop is hoisted where everything that it does is a sum over messages which BLAS can form: in `forward` accumulators
``acc += c · input · weight``; in `backward` accumulators ``acc += c · delta · weight`` (or ``c · input_gradient``) and
a push ``A · delta + β · prev_weight + γ · weight``. c and A do not depend on the message, β and γ on nothing but the
layer. The loop is then replaced by statements that read the product's result; all around it stays as written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import SourceLine
from .algebra import Polynomial, add, axes, expand, multiply
from .keeping import synapse_states
from .nir import (
    ZERO,
    Assign,
    Axes,
    Binary,
    Body,
    Draw,
    Expr,
    Gemm,
    Local,
    MessageLoop,
    Output,
    Push,
    PushFactor,
    Stmt,
    Unary,
)
from .prune import rewrite
from .trees import subexpressions

#: The products over messages whose sum is the matrix product of the method.
_SUMMED: dict[str, set[tuple[str, ...]]] = {
    "forward": {("input", "weight")},
    "backward": {("delta", "weight"), ("input_gradient",)},
}
_CARRIED = {("prev_weight",), ("weight",)}


@dataclass(frozen=True)
class Carry:
    """The part of a push that depends on no example: β·prev_weight + γ·weight."""

    beta: Expr = ZERO
    gamma: Expr = ZERO

    @property
    def empty(self) -> bool:
        return self == Carry()


@dataclass(frozen=True)
class Hoisted:
    """A message loop as matrix products.

    Args:
        statements: what replaces the loop.
        sums: accumulator → coefficient of the sum.
        factor: A of the push, None without a push.
        carry: its part that depends on no example.
    """

    statements: Body
    sums: dict[str, Expr]
    factor: Expr | None
    carry: Carry


@dataclass(frozen=True)
class Kept:
    """A message loop that stays a loop, and what keeps it one."""

    reason: str
    where: SourceLine | None


@dataclass
class _Walk:
    """One symbolic run of a loop's body: what its locals and pushes are in terms of their values at entry."""

    values: dict[str, Expr] = field(default_factory=dict)
    push: Expr | None = None


def classify(loop: MessageLoop, method: str, read_elsewhere: set[str], of_locals: dict[str, Axes]) -> Hoisted | Kept:
    """Hoist a message loop, or say why not.

    Args:
        loop: the loop.
        method: "forward" or "backward".
        read_elsewhere: locals that are read outside of the loop.
        of_locals: what locals vary over; those missing vary over neurons and examples.
    """
    kept_by_synapses = sorted(synapse_states(loop.body))
    if kept_by_synapses:
        return Kept(f"m.{kept_by_synapses[0]} is a number of each synapse (SynapseState)", loop.where)
    run = _Walk()
    for statement in loop.body:
        kept = _step(statement, run)
        if kept is not None:
            return kept
    carried = set(run.values)
    sums: dict[str, Expr] = {}
    for name, value in run.values.items():
        rest = _minus_entry(name, value)
        if rest is None:
            if name in read_elsewhere or _mentions(value, carried):
                return Kept(f"{plain(name)} is carried from one message to the next", loop.where)
            continue
        if _mentions(rest, carried):
            return Kept(f"{plain(name)} depends on another running value", loop.where)
        terms = expand(rest)
        wrong = _unknown(terms, _SUMMED[method])
        if terms is None or wrong is not None:
            return Kept(
                f"{plain(name)} sums {wrong or 'an expression'} that is no product of {_WORDS[method]}", loop.where
            )
        sums[name] = _total(terms)
    statements: list[Stmt] = [
        Assign(name, add(Local(name), multiply(coefficient, Gemm())), where=loop.where)
        for name, coefficient in sums.items()
    ]
    if run.push is None:
        return Hoisted(tuple(statements), sums, None, Carry())
    push = _push(run.push, carried, of_locals, loop)
    if isinstance(push, Kept):
        return push
    factor, carry = push
    return Hoisted((*statements, PushFactor(factor, carry.beta, carry.gamma, where=loop.where)), sums, factor, carry)


_WORDS = {"forward": "m.input * m.weight", "backward": "m.delta * m.weight"}


def _step(statement: Stmt, run: _Walk) -> Kept | None:
    def known(expression: Expr) -> Expr:
        return run.values.get(expression.name, expression) if isinstance(expression, Local) else expression

    match statement:
        case Assign(value=Draw()):
            return Kept("each message has a random draw of its own", statement.where)
        case Assign(name, value):
            run.values[name] = rewrite(value, known)
        case Push(value) if run.push is None:
            run.push = rewrite(value, known)
        case _:
            return Kept(f"the loop contains {_KINDS.get(type(statement).__name__, 'more than sums')}", statement.where)
    return None


_KINDS = {
    "If": "a condition", "Break": "a break", "Continue": "a continue", "RangeLoop": "another loop",
    "While": "another loop", "Push": "a second push", "FeedForward": "feedforward", "Backpropagate": "backpropagate",
}  # fmt: skip


def _minus_entry(name: str, value: Expr) -> Expr | None:
    """`value` without its one summand ``name``, None where it is no running sum."""
    match value:
        case Local(found) if found == name:
            return ZERO
        case Binary("+", left, right):
            inner = _minus_entry(name, left)
            if inner is not None and not _mentions(right, {name}):
                return add(inner, right)
            inner = _minus_entry(name, right)
            if inner is not None and not _mentions(left, {name}):
                return add(inner, left)
        case Binary("-", left, right):
            inner = _minus_entry(name, left)
            if inner is not None and not _mentions(right, {name}):
                return add(inner, Unary("-", right))
    return None


def _mentions(value: Expr, names: set[str]) -> bool:
    return any(isinstance(part, Local) and part.name in names for part in subexpressions(value))


def _unknown(terms: Polynomial | None, known: set[tuple[str, ...]]) -> str | None:
    """A key outside of `known`, spelled; None where there is none."""
    wrong = [key for key, value in (terms or {}).items() if key not in known and value != ZERO]
    return " * ".join(f"m.{name}" for name in wrong[0]) or "a term without a message" if wrong else None


def _total(terms: Polynomial) -> Expr:
    result: Expr = ZERO
    for value in terms.values():
        result = add(result, value)
    return result


def _push(value: Expr, carried: set[str], of_locals: dict[str, Axes], loop: MessageLoop) -> tuple[Expr, Carry] | Kept:
    if _mentions(value, carried):
        return Kept("the push depends on a running value", loop.where)
    terms = expand(value)
    wrong = _unknown(terms, {("delta",), ("weight_gradient",), *_CARRIED})
    if terms is None or wrong is not None:
        return Kept(
            f"the push has {wrong or 'a term'} that is no product with m.delta, m.prev_weight or m.weight", loop.where
        )
    carry = Carry(terms.get(("prev_weight",), ZERO), terms.get(("weight",), ZERO))
    if axes(carry.beta, of_locals) or axes(carry.gamma, of_locals):
        return Kept("what the push adds of the weight itself differs between neurons or examples", loop.where)
    factor = add(
        terms.get(("delta",), ZERO),
        multiply(terms.get(("weight_gradient",), ZERO), Output()) if ("weight_gradient",) in terms else ZERO,
    )
    return factor, carry


def plain(name: str) -> str:
    """A local's name as the user wrote it."""
    head, _, tail = name.rpartition("_")
    return head if tail.isdigit() and head else name
