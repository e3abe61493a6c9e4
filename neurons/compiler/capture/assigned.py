"""Variables and attributes that some path reads before anything is assigned to them: Python would raise there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ...errors import NeuronError
from ..nir.expressions import Binary, Const, Expr, Field, Local, Output, Select, Slope, Unary
from ..nir.statements import Assign, Body, Break, Continue, If, MessageLoop, RangeLoop, Stmt, While
from ..nir.trees import own_expressions, plain, subexpressions, writes

#: Beginning of the locals that hold what a function returns: no variable of the user's can be called so.
RETURNED = "return"


@dataclass(frozen=True)
class Implied:
    """A local has a value where a condition is, or is not, true: it was assigned under the same condition."""

    condition: Expr
    value: bool
    name: str


#: The locals that have a value, and those that have one under a condition.
Facts = frozenset[str | Implied]
#: None where no path leads.
Known = Facts | None


@dataclass
class _Around:
    """The loop around a statement: what is known where it is left by a break, each time."""

    left: list[Known] = field(default_factory=list)


def check_assigned(name: str, body: Body, given: Iterable[str | Implied] = ()) -> Facts:
    """Refuse a method that may read what it has not assigned.

    Args:
        name: of the class and the method.
        body: the method.
        given: what is known when it begins.

    Returns:
        What is known of the neuron's attributes when it ends, whatever path it took.

    Raises:
        NeuronError: with the line that reads it. Loops over messages may run for none: a bias sender's `forward` does.
    """
    end = _through(name, body, frozenset(given), _Around())
    return frozenset(fact for fact in end or () if all(local.startswith("self.") for local in _locals(fact)))


def _locals(fact: str | Implied) -> set[str]:
    return {fact} if isinstance(fact, str) else {fact.name, *_reads(fact.condition)}


def _reads(condition: Expr) -> set[str]:
    return {part.name for part in subexpressions(condition) if isinstance(part, Local)}


def _through(name: str, body: Body, known: Known, around: _Around) -> Known:
    for statement in body:
        if known is None:  # behind a break
            return None
        _check(name, statement, known)
        known = _after(name, statement, known, around)
    return known


def _after(name: str, statement: Stmt, known: Facts, around: _Around) -> Known:
    match statement:
        case Assign(target):
            return _without(known, {target}) | {target}
        case If():
            return _after_if(name, statement, known, around)
        case While(body):
            own = _Around()
            _through(name, body, _without(known, writes(body)), own)
            return _all(own.left)
        case RangeLoop(counter, start, stop, _, body):
            own = _Around()
            known = _without(known, writes(body))
            end = _through(name, body, known | {counter}, own)
            runs = isinstance(start, Const) and isinstance(stop, Const) and start.value < stop.value
            return _all([*own.left, end, *([] if runs else [known])])
        case MessageLoop(body):
            known = _without(known, writes(body))
            _through(name, body, known, _Around())
            return known
        case Break():
            around.left.append(known)
            return None
        case Continue():
            return None
    return known


def _after_if(name: str, statement: If, known: Facts, around: _Around) -> Known:
    condition, value = _positive(statement.condition)
    ends = []
    for body, side in ((statement.then, value), (statement.otherwise, not value)):
        ends.append(_through(name, body, _where(known, condition, side), around))
    then, otherwise = ends
    end = _both(then, otherwise)
    if end is None or any(isinstance(part, (Output, Slope, Field)) for part in subexpressions(condition)):
        return end
    read = _reads(condition)
    for own, other, side in ((then, statement.otherwise, value), (otherwise, statement.then, not value)):
        # Where the condition is so at the end, this branch was taken: the other has not changed it.
        if own is not None and not read & writes(other):
            end |= {Implied(condition, side, fact) for fact in own if isinstance(fact, str)}
    return end


def _positive(condition: Expr) -> tuple[Expr, bool]:
    """A condition without its ``not``s, and whether it holds where the whole does."""
    value = True
    while isinstance(condition, Unary) and condition.op == "not":
        condition, value = condition.operand, not value
    return condition, value


def _where(known: Facts, condition: Expr, value: bool) -> Facts:
    """What is known where a condition is, or is not, true."""
    implied = (it for it in known if isinstance(it, Implied))
    return known | {it.name for it in implied if (it.condition, it.value) == (condition, value)}


def _without(known: Facts, changed: set[str]) -> Facts:
    """What is known still after some locals have changed."""
    return frozenset(fact for fact in known if isinstance(fact, str) or not _reads(fact.condition) & changed)


def _both(one: Known, other: Known) -> Known:
    return one & other if one is not None and other is not None else one if other is None else other


def _all(ends: list[Known]) -> Known:
    found: Known = None
    for end in ends:
        found = _both(found, end)
    return found


def _check(name: str, statement: Stmt, known: Facts) -> None:
    for value in own_expressions(statement):
        for missing in _missing(value, known):
            called = plain(missing)
            attribute = called.removeprefix("self.")
            cure = f"declare it as a class attribute, {attribute} = 0.0, or " if attribute != called else ""
            raise NeuronError(
                f"{name} reads {called}, but nothing sets it on some path that leads here: {cure}assign it before the "
                "condition or the loop that does",
                statement.where and statement.where.of(called),
            )


def _missing(value: Expr, known: Facts) -> Iterator[str]:
    """The locals that a value may read without their having one; Python evaluates by need."""
    match value:
        case Local(name):
            if name not in known and not name.startswith(f"{RETURNED}_"):
                yield name
        case Select(test, then, otherwise):
            condition, side = _positive(test)
            yield from _missing(test, known)
            yield from _missing(then, _where(known, condition, side))
            yield from _missing(otherwise, _where(known, condition, not side))
        case Binary("and" | "or" as op, left, right):
            condition, side = _positive(left)
            yield from _missing(left, known)
            yield from _missing(right, _where(known, condition, side is (op == "and")))
        case _:
            for child in value.children:
                yield from _missing(child, known)
