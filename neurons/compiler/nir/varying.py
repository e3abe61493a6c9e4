"""What each variable of a method varies over: its index set, from what is assigned to it and under which conditions."""

from __future__ import annotations

from .algebra import axes
from .expressions import Axes
from .statements import Assign, Body, Break, Continue, If, RangeLoop
from .trees import LOOPS, bodies, walk, writes


def axes_of_locals(body: Body) -> dict[str, Axes]:
    """The axes of every variable that a method assigns, by fixed point: the union over all its assignments.

    What is assigned under a condition varies over what the condition varies over, too; in a loop that some leave or
    cut short, over what decides that. Variables that come from elsewhere vary over neurons and examples.

    Args:
        body: the method.
    """
    found = dict.fromkeys(writes(body), Axes.NONE)
    while True:
        before = dict(found)
        _visit(body, Axes.NONE, found)
        if found == before:
            return found


def _visit(body: Body, under: Axes, found: dict[str, Axes]) -> None:
    for statement in body:
        inner = under | _leaving(statement.body, found) if isinstance(statement, LOOPS) else under
        match statement:
            case Assign(name, value):
                found[name] |= under | axes(value, found)
            case If(condition):
                inner |= axes(condition, found)
            case RangeLoop(name, start, stop, step):
                for bound in (start, stop, step):
                    inner |= axes(bound, found)
                found[name] |= inner
        for nested in bodies(statement):
            _visit(nested, inner, found)


def _leaving(body: Body, found: dict[str, Axes]) -> Axes:
    """What the conditions vary over under which a loop's round ends early."""
    result = Axes.NONE
    for statement in walk(body):
        if isinstance(statement, If) and any(isinstance(inner, (Break, Continue)) for inner in walk((statement,))):
            result |= axes(statement.condition, found)
    return result


def in_words(over: Axes) -> str:
    """Index set in words: ``neuron, example``."""
    names = [axis.name.lower() for axis in (Axes.NEURON, Axes.EXAMPLE, Axes.MESSAGE) if axis & over and axis.name]
    return ", ".join(names) or "one for the layer"
