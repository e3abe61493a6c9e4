"""How often a method calls feedforward, backpropagate, push: provably once, provably wrong, or to be watched."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import NeuronError
from ..nir.expressions import Draw
from ..nir.statements import Assign, Body, Break, Continue, If, MessageLoop, Push, Stmt
from ..nir.trees import LOOPS, bodies, walk


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


@dataclass(frozen=True)
class _Paths:
    """The calls on the paths through a body: those that reach its end, and those that leave the loop around it."""

    through: Times | None = None
    leaving: Times | None = None

    @property
    def all(self) -> Times:
        return _either(self.through, self.leaving) or Times(0, 0)


def _either(one: Times | None, other: Times | None) -> Times | None:
    return one.either(other) if one and other else one or other


def calls(body: Body, kind: type[Stmt]) -> Times:
    """How often a run of `body` executes a statement of `kind`; anything in a loop may be repeated or skipped."""
    return _paths(body, kind).all


def _paths(body: Body, kind: type[Stmt]) -> _Paths:
    total, leaving = Times(0, 0), None
    for statement in body:
        if isinstance(statement, kind):
            total = total.then(Times(1, 1))
        elif isinstance(statement, If):
            first, second = _paths(statement.then, kind), _paths(statement.otherwise, kind)
            for left in (first.leaving, second.leaving):
                leaving = _either(leaving, total.then(left) if left else None)
            through = _either(first.through, second.through)
            if through is None:
                return _Paths(None, leaving)
            total = total.then(through)
        elif isinstance(statement, LOOPS):
            total = total.then(Times(0, 2 if calls(statement.body, kind).most else 0))
        elif isinstance(statement, (Break, Continue)):
            return _Paths(None, _either(leaving, total))
    return _Paths(total, leaving)


def draws(statement: Stmt) -> bool:
    """True where a statement may make a random draw."""
    return any(isinstance(inner, Assign) and isinstance(inner.value, Draw) for inner in walk((statement,)))


def known_draws(body: Body) -> int | None:
    """How many draws a run of `body` makes; None where that depends on conditions."""
    drawing = [item for item in body if draws(item)]
    return len(drawing) if all(isinstance(item, Assign) for item in drawing) else None


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


def check_pushes(name: str, body: Body) -> None:
    """Refuse a `backward` that may push more than once for one message.

    Args:
        name: of the neuron class.
        body: its `backward`.

    Raises:
        NeuronError: it does, with the line of the last push.
    """
    again = "updates are proposed once per synapse: add them up and push the sum"
    for statement in walk(body):
        if isinstance(statement, MessageLoop) and pushes_per_message(statement).most > 1:
            last = [inner.where for inner in walk(statement.body) if isinstance(inner, Push)][-1]
            raise NeuronError(f"{name}.backward may call self.push twice for one message; {again}", last)
    if pushing_loops(body).most > 1:
        last = [inner.where for inner in walk(body) if isinstance(inner, Push)][-1]
        raise NeuronError(f"{name}.backward pushes in two loops over the messages; {again}", last)
