"""``continue`` as what it is in a body of statements: the rest of them belongs to the other branch.

``break`` as a ``continue`` that a local remembers.
"""

from __future__ import annotations

from dataclasses import replace

from .expressions import Const
from .statements import Assign, Body, Break, Continue, If, Stmt
from .trees import walk


def without_continue(body: Body) -> Body:
    """A loop's body that does the same without ``continue``; other loops in it stay as they are."""
    result: list[Stmt] = []
    for position, statement in enumerate(body):
        if isinstance(statement, Continue):
            break
        if isinstance(statement, If) and any(isinstance(inner, Continue) for inner in walk((statement,))):
            rest = body[position + 1 :]
            then, otherwise = (without_continue(part + rest) for part in (statement.then, statement.otherwise))
            result.append(replace(statement, then=then, otherwise=otherwise))
            break
        result.append(statement)
    return tuple(result)


def without_break(body: Body, running: str) -> Body:
    """A loop's body that, in place of a ``break``, sets a local to False and continues; other loops in it stay.

    Args:
        body: the body.
        running: the local.
    """
    result: list[Stmt] = []
    for statement in body:
        if isinstance(statement, Break):
            result += [Assign(running, Const(False), where=statement.where), Continue(where=statement.where)]
        elif isinstance(statement, If):
            then, otherwise = (without_break(part, running) for part in (statement.then, statement.otherwise))
            result.append(replace(statement, then=then, otherwise=otherwise))
        else:
            result.append(statement)
    return tuple(result)
