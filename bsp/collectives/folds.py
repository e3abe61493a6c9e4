"""Reductions by a function of two whole values, along the same tree as those of arrays."""

from collections.abc import Callable
from typing import Any

from ..barriers import Call
from ..encoding import decode, encode
from .phases import Contributions, Phases
from .tree import Node, cover, fold_tree

Function = Callable[[Any, Any], Any]


def fold(phases: Phases, index: int, value: object, function: Function, call: Call, readers: tuple[int, ...]) -> Any:
    """Return the reduction of all members' values on the processes `readers`, None on others. One barrier.

    A process folds the complete subtrees of its members, and each reader what all have brought.
    """
    to = tuple(process for process in readers if process != phases.process)

    def after(kept: Contributions) -> bytearray | None:
        if phases.process not in readers:
            return None
        known = _own(kept) | _brought(phases, index, phases.others)
        return encode(fold_tree((0, len(phases.members)), known, function))

    phases.keep(index, encode(value))
    total = phases.end(index, call, _bring(phases, index, function, to), after)
    return None if total is None else decode(bytearray(total))


def scan(phases: Phases, index: int, value: object, function: Function, call: Call) -> Any:
    """Return the reduction of the values of the members up to this one. One barrier."""
    higher = tuple(process for process in phases.others if process > phases.process)
    lower = tuple(process for process in phases.others if process < phases.process)
    phases.keep(index, encode(value))
    phases.end(index, call, _bring(phases, index, function, higher))
    known = _own(phases.kept(index)) | _brought(phases, index, lower)
    return fold_tree((0, index + 1), known, function)


def _bring(phases: Phases, index: int, function: Function, to: tuple[int, ...]) -> Callable[[Contributions], None]:
    def before(kept: Contributions) -> None:
        if to:
            known = _own(kept)
            for node in cover(phases.mine):
                phases.send(index, node[0], to, fold_tree(node, known, function))

    return before


def _own(kept: Contributions) -> dict[Node, Any]:
    """Return copies of what the members of this process gave: the function may do with them what it likes."""
    return {(member, member + 1): decode(bytearray(memory)) for member, memory in kept.items()}


def _brought(phases: Phases, index: int, processes: tuple[int, ...]) -> dict[Node, Any]:
    nodes = [node for process in processes for node in cover(phases.ranges[process])]
    return {node: phases.inbound(node[0], index).value() for node in nodes}
