"""Variables and attributes that some path reads before anything is assigned to them: Python would raise there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import NeuronError
from .loops import plain
from .nir import Assign, Body, Break, Const, Continue, If, Local, MessageLoop, RangeLoop, Stmt, While
from .trees import own_expressions, subexpressions

#: Beginning of the locals that hold what a function returns: no variable of the user's can be called so.
RETURNED = "return"

#: The locals that have a value; None where no path leads.
Known = frozenset[str] | None


@dataclass
class _Around:
    """The loop around a statement: what is known where it is left by a break, each time."""

    left: list[Known] = field(default_factory=list)


def check_assigned(name: str, body: Body, given: Iterable[str] = ()) -> frozenset[str]:
    """Refuse a method that may read what it has not assigned.

    Args:
        name: of the class and the method.
        body: the method.
        given: names that have a value when it begins.

    Returns:
        The names that have a value when it ends, whatever path it took.

    Raises:
        NeuronError: with the line that reads it. Loops over messages may run for none: a bias sender's `forward` does.
    """
    end = _through(name, body, frozenset(given), _Around())
    return end if end is not None else frozenset()


def _through(name: str, body: Body, known: Known, around: _Around) -> Known:
    for statement in body:
        if known is None:  # behind a break
            return None
        _check(name, statement, known)
        known = _after(name, statement, known, around)
    return known


def _after(name: str, statement: Stmt, known: frozenset[str], around: _Around) -> Known:
    match statement:
        case Assign(target):
            return known | {target}
        case If(_, then, otherwise):
            return _both(_through(name, then, known, around), _through(name, otherwise, known, around))
        case While(body):
            own = _Around()
            _through(name, body, known, own)
            return _all(own.left)
        case RangeLoop(counter, start, stop, _, body):
            own = _Around()
            end = _through(name, body, known | {counter}, own)
            runs = isinstance(start, Const) and isinstance(stop, Const) and start.value < stop.value
            return _all([*own.left, end, *([] if runs else [known])])
        case MessageLoop(body):
            _through(name, body, known, _Around())
            return known
        case Break():
            around.left.append(known)
            return None
        case Continue():
            return None
    return known


def _both(one: Known, other: Known) -> Known:
    return one & other if one is not None and other is not None else one if other is None else other


def _all(ends: list[Known]) -> Known:
    found: Known = None
    for end in ends:
        found = _both(found, end)
    return found


def _check(name: str, statement: Stmt, known: frozenset[str]) -> None:
    for part in (part for whole in own_expressions(statement) for part in subexpressions(whole)):
        if isinstance(part, Local) and part.name not in known and not part.name.startswith(f"{RETURNED}_"):
            called = plain(part.name)
            attribute = called.removeprefix("self.")
            cure = f"declare it as a class attribute, {attribute} = 0.0, or " if attribute != called else ""
            raise NeuronError(
                f"{name} reads {called}, but nothing sets it on some path that leads here: {cure}assign it before the "
                "condition or the loop that does",
                statement.where and statement.where.of(called),
            )
