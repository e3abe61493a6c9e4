"""Copies that inlining leaves behind (``x = total; y = x``), taken out: what is emitted reads more like the source."""

from __future__ import annotations

from collections import Counter

from .expressions import Expr, Local
from .prune import Substitute, rewrite_body
from .statements import Assign, Body, RangeLoop, Stmt
from .trees import all_expressions, bodies, walk, with_bodies, writes


def without_copies(body: Body) -> Body:
    """A body in which the original is read instead of its copies; `prune` removes the assignments that nobody reads.

    A copy is replaced where it is assigned once, before every read of it and in the same statement list (so in the
    same run of any loop around it), and where its original is not assigned anew among those reads.
    """
    assigned = Counter(item.name for item in walk(body) if isinstance(item, (Assign, RangeLoop)))
    read = _reads(body)

    def visit(statements: Body) -> Body:
        result: list[Stmt] = []
        while statements:
            first, rest = statements[0], statements[1:]
            match first:
                case Assign(name, Local(original)) if (
                    assigned[name] == 1 and _reads(rest)[name] == read[name] and original not in writes(rest)
                ):
                    rest = rewrite_body(rest, _replacing(name, original))
            result.append(with_bodies(first, tuple(visit(nested) for nested in bodies(first))))
            statements = rest
        return tuple(result)

    return visit(body)


def _reads(body: Body) -> Counter[str]:
    return Counter(part.name for part in all_expressions(body) if isinstance(part, Local))


def _replacing(name: str, original: str) -> Substitute:
    def change(expression: Expr) -> Expr:
        return Local(original) if expression == Local(name) else expression

    return change
