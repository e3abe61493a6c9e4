"""A message loop's body as values: what it makes of its variables for one message, branches turned into choices.

``if m.input > 0: total += m.input`` becomes ``total = total + m.input if m.input > 0 else total``, and what follows a
``continue`` is what the other branch goes on with. The expressions of the NIR have no effects, so that nothing is lost
by writing down both branches.

Algebra wants one expression for each variable, everything substituted; it would be a slow program (what lanes run is
made by `straight`) and a long way to differentiate (`flattening`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..nir.algebra import is_zero, multiply
from ..nir.continuing import without_continue
from ..nir.expressions import ZERO, Const, Draw, Expr, Local, Select
from ..nir.prune import rewrite
from ..nir.statements import Assign, Body, If, Push
from ..nir.trees import subexpressions
from .reports import NoProductError


@dataclass
class Straight:
    """What a message does.

    Args:
        values: variable → its value after the message, in terms of the variables before it.
        push: what is pushed, 0 where nothing is; None where the loop never pushes.
    """

    values: dict[str, Expr] = field(default_factory=dict)
    push: Expr | None = None

    def substituted(self, expression: Expr) -> Expr:
        """An expression of the body in terms of the variables before the message."""

        def known(part: Expr) -> Expr:
            return self.values.get(part.name, part) if isinstance(part, Local) else part

        result = rewrite(expression, known)
        if sum(1 for _ in subexpressions(result)) > _LONGEST:
            raise NoProductError("what the loop computes is too long to be taken apart")
        return result

    def copy(self) -> Straight:
        return Straight(dict(self.values), self.push)


#: Nodes of an expression that is still taken apart: substitution can double it with every line.
_LONGEST = 400


def straighten(body: Body) -> Straight:
    """The body of a message loop as values.

    Raises:
        NoProductError: it does more than assign, choose and push.
    """
    found = Straight()
    _run(without_continue(body), found)
    return found


def choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """``then if condition else otherwise``, simplified where both are the same, or the condition is known."""
    if then == otherwise:
        return then
    if isinstance(condition, Const):
        return then if condition.value else otherwise
    return Select(condition, then, otherwise)


def within_choices(value: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """`change` applied to a value, or to what guards choose in place of 0: 0 stays 0, whatever it is multiplied by."""
    if is_zero(value):
        return ZERO
    if isinstance(value, Select) and (is_zero(value.then) or is_zero(value.otherwise)):
        return Select(value.condition, within_choices(value.then, change), within_choices(value.otherwise, change))
    return change(value)


def scaled(one: Expr, two: Expr) -> Expr:
    """one · two; 0 where a guard of either says so."""
    return within_choices(one, lambda first: within_choices(two, lambda second: multiply(first, second)))


def _run(body: Body, state: Straight) -> None:
    for statement in body:
        match statement:
            case If():
                _branch(statement, state)
            case Assign(value=Draw()):
                raise NoProductError(
                    "each message has a random draw of its own", "draw once for the neuron, before the loop",
                    statement.where,
                )  # fmt: skip
            case Assign(name, value):
                state.values[name] = state.substituted(value)
            case Push(value):
                state.push = state.substituted(value)
            case _:
                word = _WORDS.get(type(statement).__name__, "more than sums")
                raise NoProductError(f"the loop contains {word}", _CURES.get(word, ""), statement.where)


def _branch(statement: If, state: Straight) -> None:
    condition = state.substituted(statement.condition)
    then, otherwise = state.copy(), state.copy()
    _run(statement.then, then)
    _run(statement.otherwise, otherwise)
    for name in [*then.values, *(name for name in otherwise.values if name not in then.values)]:
        before = Local(name)
        state.values[name] = choose(condition, then.values.get(name, before), otherwise.values.get(name, before))
    if then.push is not None or otherwise.push is not None:
        state.push = choose(condition, then.push or ZERO, otherwise.push or ZERO)


_WORDS = {
    "Break": "a break", "RangeLoop": "another loop", "While": "another loop", "FeedForward": "feedforward",
    "Backpropagate": "backpropagate", "SetSlope": "an activation",
}  # fmt: skip
_CURES = {
    "a break": "say by a condition which messages count, in place of the break",
    "another loop": "compute what does not depend on the message before the loop over the messages",
    "an activation": "apply the activation to the sum, after the loop",
}
