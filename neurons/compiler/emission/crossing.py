"""What a kernel finds in arrays when it begins, and what it leaves there: locals, and what its neurons have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..analysis.once import calls, known_draws
from ..analysis.phases import Elementwise, Phase
from ..nir.expressions import Expr, Type
from ..nir.statements import Assign, Backpropagate, Body, FeedForward, PushFactor, SetSlope, Stmt
from ..nir.trees import reads, walk, writes
from ..nir.types import infer_locals
from .spelling import local_name


@dataclass(frozen=True)
class Crossing:
    """What a kernel finds and leaves.

    Args:
        types: of the locals in it.
        arrays: those that hold locals, with their types.
        loads, stores: locals that it finds in these arrays, that it leaves there.
        resumed: the kinds of statements that earlier kernels of the method may have run.
        pushed: left and right of the `PushFactor`s among them.
        leaves: the kinds whose values it leaves even where it runs none.
        draws: how many random draws come before.
        watched: the kind of statement that must run exactly once, where that can only be counted.
    """

    types: dict[str, Type]
    arrays: dict[str, Type]
    loads: dict[str, str]
    stores: dict[str, str]
    resumed: frozenset[type[Stmt]] = frozenset()
    pushed: frozenset[tuple[Expr, Expr]] = frozenset()
    leaves: frozenset[type[Stmt]] = frozenset()
    draws: int = 0
    watched: type[Stmt] | None = None


def whole_method(body: Body, method: str, state: dict[str, Type], *, keep_slope: bool) -> Crossing:
    """The crossing of a kernel that runs a whole method.

    Args:
        body: the method.
        method: "forward" or "backward".
        state: what `forward` leaves for `backward`.
        keep_slope: True where the slope is kept, too.
    """
    forward = method == "forward"
    # What is read and never assigned (by a bias sender, which gets no messages) is 0.
    types = dict.fromkeys(sorted(reads(body)), Type.FLOAT) | infer_locals(body, {} if forward else state)
    kept = {name: f"K_{name[5:]}" for name in state}
    kind: type[Stmt] = FeedForward if forward else Backpropagate
    present = any(isinstance(statement, kind) for statement in walk(body))
    leaves: tuple[type[Stmt], ...] = (FeedForward, SetSlope) if keep_slope else (FeedForward,)
    return Crossing(
        types | {name: state[name] for name in state if name not in types} if forward else types,
        {kept[name]: kind_kept for name, kind_kept in state.items()},
        {} if forward else kept,
        kept if forward else {},
        leaves=frozenset(leaves if forward else ()),
        watched=kind if present and not calls(body, kind).exactly_once else None,
    )


def phase_crossings(
    phases: Sequence[Phase], method: str, state: dict[str, Type], *, keep_slope: bool
) -> list[Crossing]:
    """The crossings of the kernels that run a method phase by phase; see `whole_method`."""
    forward = method == "forward"
    everything = tuple(statement for phase in phases for statement in _statements(phase))
    types = dict.fromkeys(sorted(reads(everything)), Type.FLOAT) | infer_locals(everything, {} if forward else state)
    said = {kind for kind in map(type, walk(everything)) if kind in _SAID}
    left: set[type[Stmt]] = {FeedForward, SetSlope} if forward and keep_slope else {FeedForward} if forward else set()
    found: list[Crossing] = []
    written: set[str] = set()
    resumed: set[type[Stmt]] = set()
    pushed: set[tuple[Expr, Expr]] = set()
    draws = 0
    for position, phase in enumerate(phases):
        own = reads(phase.body) | writes(phase.body)
        places = {name: _array(name, types[name], state if forward else {}) for name in own}
        loads = {name: places[name] for name in sorted(own & written)}
        if not forward:
            loads |= {name: f"K_{name[5:]}" for name in sorted(own & state.keys() - written)}
        stored = writes(phase.body) & phase.live if isinstance(phase, Elementwise) else set(phase.carried)
        stores = {name: places[name] for name in sorted(stored)}
        last = position == len(phases) - 1
        found.append(
            Crossing(
                {name: types[name] for name in types if name in own},
                {array: _kind(name, array, types, state) for name, array in (*loads.items(), *stores.items())},
                loads, stores, frozenset(resumed), frozenset(pushed), frozenset(left - said if last else ()), draws,
            )
        )  # fmt: skip
        written |= stored
        resumed |= {kind for kind in map(type, walk(phase.body)) if kind in _SAID}
        pushed |= {(item.left, item.right) for item in walk(phase.body) if isinstance(item, PushFactor)}
        draws += known_draws(phase.body) or 0
    return found


_SAID = {FeedForward, SetSlope, Backpropagate}


def _statements(phase: Phase) -> Body:
    if isinstance(phase, Elementwise):
        return phase.body
    return (*(Assign(name, value) for name, value in phase.starts.items()), *phase.body)


def _array(name: str, kind: Type, state: dict[str, Type]) -> str:
    """Where a local is kept between phases: its place in what forward leaves, or one of its own.

    The type is part of the name: the layer's methods share these arrays.
    """
    return f"K_{name[5:]}" if name in state else f"C{kind.name[0]}_{local_name(name)}"


def _kind(name: str, array: str, types: dict[str, Type], state: dict[str, Type]) -> Type:
    return state[name] if array.startswith("K_") else types[name]
