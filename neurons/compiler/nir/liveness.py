"""What a body needs of the values that locals have before it, and what of it nobody needs, in the order of its run.

(`prune` asks less: whether a name is read anywhere.)
"""

from __future__ import annotations

from .expressions import Draw
from .statements import Assign, Body, If, Stmt
from .trees import LOOPS, reads, with_bodies

Names = frozenset[str]


def needed(body: Body, after: Names) -> tuple[Body, Names]:
    """The body without assignments that nobody reads, and the locals whose values before it are read.

    Args:
        body: part of a method.
        after: the locals that are read after it.
    """
    kept: list[Stmt] = []
    live = after
    for statement in reversed(body):
        match statement:
            case Assign(name, value):
                if name not in live and not isinstance(value, Draw):
                    continue
                live = (live - {name}) | reads((statement,))
            case If(_, then, otherwise):
                (then, first), (otherwise, second) = needed(then, live), needed(otherwise, live)
                if not then and not otherwise:
                    continue
                statement = with_bodies(statement, (then, otherwise))
                live = first | second | reads((with_bodies(statement, ((), ())),))
            case _ if isinstance(statement, LOOPS):
                live = live | reads((statement,))
            case _:
                live = live | reads((statement,))
        kept.append(statement)
    return tuple(reversed(kept)), live


def needed_again(body: Body, after: Names) -> tuple[Body, Names]:
    """The same for a body that runs again and again: what it reads at its start it reads of the run before."""
    live = after
    while True:
        kept, before = needed(body, live)
        if before <= live:
            return kept, before
        live = live | before
