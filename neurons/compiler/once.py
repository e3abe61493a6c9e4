"""How often a method calls feedforward, backpropagate, push: provably once, provably wrong, or to be watched."""

from __future__ import annotations

from dataclasses import dataclass

from .nir import LOOPS, Body, Continue, If, MessageLoop, Push, Stmt, bodies, walk


@dataclass(frozen=True)
class Times:
    """Least and most calls on any path, capped at 2."""

    least: int
    most: int

    @property
    def exactly_once(self) -> bool:
        return self.least == self.most == 1

    def then(self, other: Times) -> Times:
        return Times(min(self.least + other.least, 2), min(self.most + other.most, 2))

    def either(self, other: Times) -> Times:
        return Times(min(self.least, other.least), max(self.most, other.most))


def calls(body: Body, kind: type[Stmt]) -> Times:
    """How often a run of `body` executes a statement of `kind`; anything in a loop may be repeated or skipped."""
    total = Times(0, 0)
    for statement in body:
        if isinstance(statement, kind):
            total = total.then(Times(1, 1))
        elif isinstance(statement, If):
            total = total.then(calls(statement.then, kind).either(calls(statement.otherwise, kind)))
        elif isinstance(statement, LOOPS):
            inner = calls(statement.body, kind)
            total = total.then(Times(0, 2 if inner.most else 0))
        elif isinstance(statement, Continue):
            total = Times(0, total.most)
    return total


def pushes_per_message(loop: MessageLoop) -> Times:
    """How often one message of a loop is pushed for."""
    return calls(loop.body, Push)


def pushing_loops(body: Body) -> Times:
    """How many message loops that push a run of `body` goes through."""
    total = Times(0, 0)
    for statement in body:
        if isinstance(statement, MessageLoop):
            pushes = any(isinstance(inner, Push) for inner in walk(statement.body))
            total = total.then(Times(int(pushes), int(pushes)))
        elif isinstance(statement, If):
            total = total.then(pushing_loops(statement.then).either(pushing_loops(statement.otherwise)))
        else:
            for nested in bodies(statement):
                inner = pushing_loops(nested)
                total = total.then(Times(0, 2 if inner.most else 0))
    return total
