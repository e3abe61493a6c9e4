"""Bodies of the NIR walked, searched and printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from .expressions import ONE, Expr, Gemm, Local, SynapseDraw, Uniform, names_of_parts
from .statements import (
    Assign,
    Backpropagate,
    Body,
    Break,
    Continue,
    FeedForward,
    If,
    Keep,
    MessageLoop,
    Push,
    PushFactor,
    RangeLoop,
    SetField,
    SetSlope,
    Stmt,
    While,
)

LOOPS = (MessageLoop, RangeLoop, While)
S = TypeVar("S", bound=Stmt)


def bodies(statement: Stmt) -> tuple[Body, ...]:
    """The bodies nested directly in a statement."""
    if isinstance(statement, If):
        return statement.then, statement.otherwise
    if isinstance(statement, LOOPS):
        return (statement.body,)
    return ()


def with_bodies(statement: S, new: tuple[Body, ...]) -> S:
    """The statement with its nested bodies replaced, in the order of `bodies`."""
    if isinstance(statement, If):
        return replace(statement, then=new[0], otherwise=new[1])
    if isinstance(statement, LOOPS):
        return replace(statement, body=new[0])
    return statement


def walk(body: Body) -> Iterator[Stmt]:
    """Every statement of a body, nested ones after the one that holds them."""
    for statement in body:
        yield statement
        for nested in bodies(statement):
            yield from walk(nested)


def own_expressions(statement: Stmt) -> tuple[Expr, ...]:
    """The expressions of a statement itself, nested bodies left out."""
    values = (getattr(statement, name) for name in names_of_parts(statement))
    return tuple(value for value in values if isinstance(value, Expr))


def subexpressions(expression: Expr) -> Iterator[Expr]:
    """The expression and all within it."""
    yield expression
    for child in expression.children:
        yield from subexpressions(child)


def with_parts(expression: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with `change` applied to the expressions directly in it."""
    updates: dict[str, object] = {}
    for name in names_of_parts(expression):
        value = getattr(expression, name)
        if isinstance(value, Expr):
            changed = change(value)
            if changed is not value:
                updates[name] = changed
        elif isinstance(value, tuple) and value and isinstance(value[0], Expr):
            updates[name] = tuple(change(part) for part in value)
    return replace(expression, **updates) if updates else expression


def all_expressions(body: Body) -> Iterator[Expr]:
    """Every expression in a body, with all subexpressions."""
    for statement in walk(body):
        for expression in own_expressions(statement):
            yield from subexpressions(expression)


def reads(body: Body) -> set[str]:
    """Names of the locals that a body reads."""
    return {found.name for found in all_expressions(body) if isinstance(found, Local)}


def writes(body: Body) -> set[str]:
    """Names of the locals that a body assigns, loop variables included."""
    return {found.name for found in walk(body) if isinstance(found, (Assign, RangeLoop))}


def with_factors(expressions: Iterable[Expr]) -> Iterator[Expr]:
    """The expressions, and behind each sum over messages all that its factors are made of."""
    for expression in expressions:
        yield expression
        if isinstance(expression, Gemm):
            yield from subexpressions(expression.left)
            yield from subexpressions(expression.right)


def draws_of_synapses(body: Body) -> bool:
    """True where a body asks for the draws of synapses."""
    return any(isinstance(part, SynapseDraw) for part in with_factors(all_expressions(body)))


def mentions_uniform(expression: Expr, name: str) -> bool:
    """True where a value depends on what the training loop sets under that name."""
    return any(part == Uniform(name) for part in subexpressions(expression))


def show(body: Body, indent: str = "", notes: Mapping[str, str] | None = None) -> str:
    """A body as readable text, a statement per line.

    Args:
        body: the body.
        indent: stands before each line.
        notes: variable → what is noted behind its assignments.
    """
    notes = notes or {}
    lines: list[str] = []
    inner = indent + "    "
    for item in body:
        match item:
            case Assign(name, value):
                lines.append(f"{indent}{name} = {value}{f'  # {notes[name]}' if name in notes else ''}")
            case If(condition, then, otherwise):
                lines += [f"{indent}if {condition}:", show(then, inner, notes) or f"{inner}pass"]
                if otherwise:
                    lines += [f"{indent}else:", show(otherwise, inner, notes)]
            case MessageLoop(nested):
                lines += [f"{indent}for m in messages:", show(nested, inner, notes)]
            case RangeLoop(name, start, stop, step, nested):
                lines += [f"{indent}for {name} in range({start}, {stop}, {step}):", show(nested, inner, notes)]
            case While(nested):
                lines += [f"{indent}while True:", show(nested, inner, notes)]
            case Break() | Continue():
                lines.append(f"{indent}{type(item).__name__.lower()}")
            case Keep(name, value):
                lines.append(f"{indent}Keep({name}, {value})")
            case SetField(name, value):
                lines.append(f"{indent}m.{name} = {value}")
            case PushFactor(value, left, right):
                factors = [str(part) for part in (value, left, right) if part != ONE]
                lines.append(f"{indent}PushFactor({' * '.join(factors) or '1'})")
            case FeedForward(value) | Backpropagate(value) | Push(value) | SetSlope(value):
                lines.append(f"{indent}{type(item).__name__}({value})")
    return "\n".join(lines)


def reads_outside(body: Body, loop: Stmt) -> set[str]:
    """Names that are read outside of a loop of the body, and what is kept in ``self``."""
    found: set[str] = {name for name in writes(body) if name.startswith("self.")}

    def visit(statements: Body) -> None:
        for statement in statements:
            if statement is loop:
                continue
            shallow = with_bodies(statement, tuple(() for _ in bodies(statement)))
            found.update(reads((shallow,)))
            for nested in bodies(statement):
                visit(nested)

    visit(body)
    return found


def plain(name: str) -> str:
    """A local's name as the user wrote it."""
    head, _, tail = name.rpartition("_")
    return head if tail.isdigit() and head else name
