"""``continue`` as what it is in a body of statements: the rest of them belongs to the other branch."""

from __future__ import annotations

from dataclasses import replace

from .statements import Body, Continue, If, Stmt
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
