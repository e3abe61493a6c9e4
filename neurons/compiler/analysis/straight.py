"""A message loop's body without control flow: what stands under a condition is computed anyway, and selected.

Expressions have no effects, so that computing what nobody wanted is harmless; only the push is guarded itself. What
is left is a straight line of assignments, which can run for many neurons at once. It stays a text to be run, line by
line: `guards` makes one expression of each variable, for algebra, and `flattening` names every value once, for
derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..nir.continuing import without_continue
from ..nir.expressions import ZERO, Binary, Draw, Element, Expr, Local, Select, SynapseField, Unary
from ..nir.prune import rewrite
from ..nir.statements import Assign, Body, Continue, If, Push, Stmt
from ..nir.trees import all_expressions, walk


class Versions:
    """A supply of locals that no method has: further versions of its own."""

    def __init__(self) -> None:
        self.used = 0

    def of(self, name: str) -> str:
        """A new name for a version of a local."""
        self.used += 1
        # What `frames.Scope.fresh` gives ends in a digit.
        return f"{name.replace('.', '_')}_{self.used}x"


def crooked(body: Body) -> Stmt | None:
    """The first statement that has no place on a straight line; None for none.

    A break, another loop, a draw; an item of an array, which may be looked for where there is none; what synapses keep.
    """
    for statement in walk(body):
        if isinstance(statement, Assign) and isinstance(statement.value, Draw):
            return statement
        if not isinstance(statement, (Assign, If, Push, Continue)):
            return statement
        if any(isinstance(part, (Element, SynapseField)) for part in all_expressions((statement,))):
            return statement
    return None


def truth(condition: Expr) -> Expr:
    """A condition as a boolean, so that it can be kept."""
    match condition:
        case Binary("<" | "<=" | ">" | ">=" | "==" | "!=") | Unary("not"):
            return condition
    return Unary("not", Unary("not", condition))


def straighten(body: Body, versions: Versions) -> Body:
    """The body as assignments and pushes only.

    Args:
        body: of a message loop; nothing in it is `crooked`.
        versions: names what the branches assign.
    """
    line = _Line(versions)
    line.add(without_continue(body), {}, None)
    return tuple(line.statements)


class _Line:
    def __init__(self, versions: Versions) -> None:
        self.versions = versions
        self.statements: list[Stmt] = []

    def add(self, body: Iterable[Stmt], names: dict[str, Expr], guard: Expr | None) -> None:
        """Append statements that run where `guard` holds; `names`: the versions that locals have there."""

        def current(expression: Expr) -> Expr:
            return names.get(expression.name, expression) if isinstance(expression, Local) else expression

        for statement in body:
            match statement:
                case Assign(name, value):
                    self._assign(name, rewrite(value, current), names, guard)
                case Push(value):
                    value = rewrite(value, current)
                    value = value if guard is None else Select(guard, value, ZERO)
                    self.statements.append(Push(value, where=statement.where))
                case If(condition, then, otherwise):
                    taken = Local(self.versions.of("taken"))
                    self.statements.append(Assign(taken.name, truth(rewrite(condition, current))))
                    self._branches(taken, then, otherwise, names, guard)

    def _assign(self, name: str, value: Expr, names: dict[str, Expr], guard: Expr | None) -> None:
        if guard is None:
            self.statements.append(Assign(name, value))
            return
        version = self.versions.of(name)
        self.statements.append(Assign(version, value))
        names[name] = Local(version)

    def _branches(self, taken: Local, then: Body, otherwise: Body, names: dict[str, Expr], guard: Expr | None) -> None:
        found: list[dict[str, Expr]] = []
        for condition, branch in ((taken, then), (Unary("not", taken), otherwise)):
            versions = dict(names)
            self.add(branch, versions, condition if guard is None else Binary("and", guard, condition))
            found.append(versions)
        first, second = found
        for name in dict.fromkeys((*first, *second)):
            one, other = (versions.get(name, Local(name)) for versions in found)
            if one != other:
                self._assign(name, Select(taken, one, other), names, guard)
