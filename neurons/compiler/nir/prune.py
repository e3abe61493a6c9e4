"""Folding and pruning: a method specialised to what is known, without what nobody needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .algebra import multiply, negate
from .expressions import ONE, Binary, Const, Draw, Expr, Local, Select, SynapseDraw, Unary, names_of_parts
from .statements import Assign, Body, If, MessageLoop, RangeLoop, Stmt
from .trees import bodies, own_expressions, subexpressions, walk, with_bodies, with_parts

Substitute = Callable[[Expr], Expr]


def rewrite(expression: Expr, change: Substitute) -> Expr:
    """The expression with `change` applied to every part, innermost first."""
    return change(with_parts(expression, lambda part: rewrite(part, change)))


def rewrite_body(body: Body, change: Substitute) -> Body:
    """A body with `change` applied to every expression."""
    return tuple(_rewrite_statement(statement, change) for statement in body)


def _rewrite_statement(statement: Stmt, change: Substitute) -> Stmt:
    updates: dict[str, Any] = {
        name: rewrite(value, change)
        for name in names_of_parts(statement)
        if isinstance(value := getattr(statement, name), Expr)
    }
    changed = replace(statement, **updates) if updates else statement
    return with_bodies(changed, tuple(rewrite_body(nested, change) for nested in bodies(changed)))


def fold(expression: Expr) -> Expr:
    """One level of constant folding."""
    match expression:
        case Unary("not", Const(value)):
            return Const(not value)
        case Unary("-", Const()):
            return negate(expression.operand)
        case Select(Const(value), then, otherwise):
            return then if value else otherwise
        case Binary("and", Const(value), right):
            return right if value else Const(value)
        case Binary("or", Const(value), right):
            return Const(value) if value else right
        case Binary("*", left, right):
            return multiply(left, right)
        case Binary("==", Const(left), Const(right)):
            return Const(left == right)
        case Binary("!=", Const(left), Const(right)):
            return Const(left != right)
    return expression


def without_draws(expression: Expr) -> Expr:
    """The expression as it is where every synapse's draw is 1."""
    return rewrite(expression, lambda part: ONE if isinstance(part, SynapseDraw) else fold(part))


def fold_branches(body: Body) -> Body:
    """A body without the branches that its constant conditions never take."""
    result: list[Stmt] = []
    for statement in body:
        if isinstance(statement, If) and isinstance(statement.condition, Const):
            result.extend(fold_branches(statement.then if statement.condition.value else statement.otherwise))
        else:
            result.append(with_bodies(statement, tuple(fold_branches(nested) for nested in bodies(statement))))
    return tuple(result)


def specialise(body: Body, change: Substitute) -> Body:
    """A body in which `change` puts constants, folded: what is emitted for one use of a method."""
    return fold_branches(rewrite_body(body, lambda expression: fold(change(expression))))


def drop(body: Body, kinds: tuple[type[Stmt], ...]) -> Body:
    """A body without the statements of some kinds."""
    kept = (statement for statement in body if not isinstance(statement, kinds))
    return tuple(with_bodies(item, tuple(drop(nested, kinds) for nested in bodies(item))) for item in kept)


def prune(body: Body, live: frozenset[str]) -> Body:
    """A body without assignments that nobody reads and branches and loops that do nothing.

    Draws stay, since they are numbered; the machine-code compiler drops the work where the value is unused.

    Args:
        body: a method.
        live: names that are read after it ends.
    """
    while True:
        needed = _wanted(body, live)
        pruned = _without_dead(body, needed)
        if pruned == body:
            return body
        body = pruned


def _wanted(body: Body, live: frozenset[str]) -> set[str]:
    """The locals that what a body does depends on; one that is read for nothing but itself is none of them."""
    made_of: dict[str, set[str]] = {}
    wanted = set(live)
    for statement in walk(body):
        read = {part.name for whole in own_expressions(statement) for part in subexpressions(whole)
                if isinstance(part, Local)}  # fmt: skip
        if isinstance(statement, Assign) and not isinstance(statement.value, Draw):
            made_of.setdefault(statement.name, set()).update(read)
        else:
            wanted |= read
    found = list(wanted)
    while found:
        more = made_of.pop(found.pop(), set()) - wanted
        wanted |= more
        found += more
    return wanted


def _without_dead(body: Body, needed: set[str]) -> Body:
    result: list[Stmt] = []
    for statement in body:
        if isinstance(statement, Assign) and statement.name not in needed and not isinstance(statement.value, Draw):
            continue
        if isinstance(statement, (If, MessageLoop, RangeLoop)):
            inner = tuple(_without_dead(nested, needed) for nested in bodies(statement))
            if not any(inner):
                continue
            result.append(with_bodies(statement, inner))
        else:
            nested = tuple(_without_dead(part, needed) for part in bodies(statement))
            result.append(with_bodies(statement, nested) if nested else statement)
    return tuple(result)


def propagate(body: Body, is_uniform: Callable[[Expr], bool]) -> Body:
    """A body in which locals that hold one layer-wide value are replaced by it.

    Such a local is assigned once, not inside a branch or loop, before any use; ``rate = -self.learning_rate`` is one.
    """
    counts: dict[str, int] = {}
    for statement in walk(body):
        if isinstance(statement, (Assign, RangeLoop)):
            counts[statement.name] = counts.get(statement.name, 0) + 1
    known: dict[str, Expr] = {}

    def replaced(expression: Expr) -> Expr:
        return known.get(expression.name, expression) if isinstance(expression, Local) else expression

    result: list[Stmt] = []
    for statement in body:
        changed = _rewrite_statement(statement, replaced)
        if (
            isinstance(changed, Assign)
            and counts[changed.name] == 1
            and not isinstance(changed.value, Draw)
            and is_uniform(changed.value)
        ):
            known[changed.name] = changed.value
        result.append(changed)
    return tuple(result)
