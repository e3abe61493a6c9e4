"""Forward differentiation of a loop that is no message loop: beside each value runs its derivative by each input.

The tangent of a value is ∂value/∂input. A loop over a range, or ``while``, may run any number of times: a sweep back
through it would need all that it went through. Its tangents need nothing but themselves, and its inputs are few: the
results of message loops, or what one message brings.

See Griewank, Walther: Evaluating Derivatives, SIAM 2008, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..nir.algebra import add
from ..nir.expressions import ONE, ZERO, Draw, Expr, Field, Local, Stored
from ..nir.statements import Assign, Body, SetSlope, Stmt
from ..nir.trees import bodies, subexpressions, walk, with_bodies, writes
from .derivative import derivative, times


@dataclass(frozen=True)
class Tangents:
    """Statements with the tangents of what they assign.

    Args:
        body: the statements, those of the tangents among them.
        slopes: assigned local → its inputs, each with the local that ends as ∂assigned/∂input; the inputs that it
            depends on in steps only are left out.
    """

    body: Body
    slopes: Mapping[str, Mapping[Expr, str]]


def with_tangents(body: Body, inputs: Mapping[Expr, Expr], fresh: Callable[[str], str]) -> Tangents:
    """Statements that compute the derivatives of what they assign as well.

    Args:
        body: statements without message loops.
        inputs: local or field that the statements read → the input that it is at their start. Several may be one.
        fresh: a name → a new one like it.
    """
    writer = _Writer(body, inputs, fresh)
    starts = [
        Assign(tangent, ONE if inputs.get(Local(name)) == source else ZERO)
        for name, tangents in writer.slopes.items()
        for source, tangent in tangents.items()
    ]
    return Tangents((*starts, *writer.body(body)), writer.slopes)


class _Writer:
    def __init__(self, body: Body, inputs: Mapping[Expr, Expr], fresh: Callable[[str], str]) -> None:
        assigned = writes(body)
        self.constant = {
            variable: {source: ONE}
            for variable, source in inputs.items()
            if not (isinstance(variable, Local) and variable.name in assigned)
        }
        sources = {name: {inputs[Local(name)]} if Local(name) in inputs else set() for name in sorted(assigned)}
        self._spread(body, sources)
        self.slopes = {
            name: {source: fresh(f"d_{name.removeprefix('self.')}") for source in inputs.values() if source in found}
            for name, found in sources.items()
            if found
        }

    def _spread(self, body: Body, sources: dict[str, set[Expr]]) -> None:
        """Which inputs each local depends on, by fixed point."""
        flows = [flow for statement in walk(body) for flow in _flows(statement)]
        changed = True
        while changed:
            changed = False
            for name, value, _ in flows:
                for part in _variables(value):
                    known = sources.get(part.name, set()) if isinstance(part, Local) else set()
                    known = known | set(self.constant.get(part, ()))
                    if known - sources[name] and derivative(value, part) != ZERO:
                        sources[name] |= known
                        changed = True

    def body(self, body: Body) -> Body:
        return tuple(part for statement in body for part in self._statement(statement))

    def _statement(self, statement: Stmt) -> list[Stmt]:
        inner = with_bodies(statement, tuple(self.body(nested) for nested in bodies(statement)))
        found: list[Stmt] = [
            Assign(tangent, times(slope, self._tangent(value, source)), where=statement.where)
            for name, value, slope in _flows(statement)
            for source, tangent in self.slopes.get(name, {}).items()
        ]
        # Before the assignment, which may replace what its value was made of; behind the activation's result.
        return [inner, *found] if isinstance(statement, SetSlope) else [*found, inner]

    def _tangent(self, value: Expr, source: Expr) -> Expr:
        total: Expr = ZERO
        for part in _variables(value):
            tangent = self._of_variable(part, source)
            if tangent != ZERO:
                total = add(total, times(derivative(value, part), tangent))
        return total

    def _of_variable(self, variable: Expr, source: Expr) -> Expr:
        if isinstance(variable, Local) and variable.name in self.slopes:
            tangent = self.slopes[variable.name].get(source)
            return ZERO if tangent is None else Local(tangent)
        return self.constant.get(variable, {}).get(source, ZERO)


def _variables(value: Expr) -> list[Expr]:
    return list(dict.fromkeys(part for part in subexpressions(value) if isinstance(part, (Local, Field))))


def _flows(statement: Stmt) -> list[tuple[str, Expr, Expr]]:
    """(assigned local, value, slope): the local's tangents are the slope times those of the value."""
    match statement:
        case Assign(name, Draw() | Stored()):
            return [(name, ZERO, ONE)]
        case Assign(name, value):
            return [(name, value, ONE)]
        case SetSlope(slope, point, Local(name)):
            return [(name, point, slope)]
    return []
