"""Elementwise reductions of arrays.

A small array is brought whole, and each process reduces it for its members: one barrier. A large one is cut into one
slice per process, as long as it has members: the process reduces its slice over all members, and the others copy the
results: two barriers, and 2n bytes for each process instead of n for each pair.

Either way a process brings one array for each complete subtree of its members instead of one for each member, and the
tree over all members decides the order of the operations: the bits are the same for any placement.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import failpoints
from ..barriers import Call
from ..placement import available_cores
from .operators import Elementwise
from .phases import Contributions, Phases
from .tree import Node, cover, reduce_tree

Array = NDArray[Any]
Parcel = tuple[tuple[int, ...], int, int]
"""Processes, and the elements that they are brought: from one up to another, not included."""

SMALL = 1 << 15
"""Bytes of an array that is brought whole: about what is copied in the time of a barrier."""


class Reduction:
    """One reduction, as one member takes part in it.

    Args:
        phases: how the members exchange what they bring.
        index: this member.
        operation: what is computed.
        call: what the member called.
        flat: its array, 1-d.
    """

    def __init__(self, phases: Phases, index: int, operation: Elementwise, call: Call, flat: Array) -> None:
        self._phases = phases
        self._index = index
        self._operation = operation
        self._call = call
        self._flat = flat

    def reduce(self, readers: tuple[int, ...], out: Array | None) -> None:
        """Reduce the members' arrays.

        Args:
            readers: the processes that want the result.
            out: 1-d, where this member wants it, else None; may be the member's array itself.
        """
        if self._flat.nbytes <= SMALL:
            self._reduce_whole(readers, out)
        else:
            self._reduce_slices(readers, out)

    def reduce_rows(self, rows: int, out: Array) -> None:
        """Reduce the members' arrays of so many rows; write this member's share of the rows into `out`."""
        phases, width = self._phases, self._flat.size // rows if rows else 0
        parcels = [((process,), *self._span(phases.ranges[process], rows, width)) for process in phases.others]
        phases.keep(self._index, self._flat)
        phases.end(self._index, self._call, self._bring(parcels))
        low, high = self._span(range(self._index, self._index + 1), rows, width)
        base, _ = self._span(phases.mine, rows, width)
        leaves = self._leaves(phases.kept(self._index), low, high, base)
        self._write((0, len(phases.members)), leaves, len(phases.members), out)

    def scan(self, out: Array) -> None:
        """Reduce the arrays of the members up to this one into `out`."""
        phases = self._phases
        higher = tuple(process for process in phases.others if process > phases.process)
        phases.keep(self._index, self._flat)
        phases.end(self._index, self._call, self._bring([(higher, 0, self._flat.size)]))
        leaves = {(member, member + 1): array for member, array in phases.kept(self._index).items()}
        for process in phases.others:
            if process < phases.process and self._flat.size:
                leaves |= {node: self._brought(node[0]) for node in cover(phases.ranges[process])}
        self._write((0, self._index + 1), leaves, self._index + 1, out)

    def _write(self, node: Node, leaves: dict[Node, Array], members: int, out: Array) -> None:
        """Reduce what the members of this process still read from each other."""
        total = np.empty_like(out) if np.may_share_memory(out, self._flat) else out
        self._compute(node, leaves, members, total)
        self._phases.meet(self._index, self._call)
        if total is not out:
            np.copyto(out, total)

    def _reduce_whole(self, readers: tuple[int, ...], out: Array | None) -> None:
        phases = self._phases
        to = tuple(process for process in readers if process != phases.process)
        phases.keep(self._index, self._flat)
        after = self._total if phases.process in readers else _forget
        total = phases.end(self._index, self._call, self._bring([(to, 0, self._flat.size)]), after)
        if out is not None:
            np.copyto(out, total)

    def _total(self, kept: Contributions) -> Array:
        failpoints.hit("allreduce.reducing")
        total = np.empty(self._flat.size, self._flat.dtype)
        leaves, members = self._leaves(kept, 0, total.size, 0), len(self._phases.members)
        self._compute((0, members), leaves, members, total)
        kept.clear()
        return total

    def _reduce_slices(self, readers: tuple[int, ...], out: Array | None) -> None:
        phases, size = self._phases, self._flat.size
        to = tuple(process for process in readers if process != phases.process)
        base, top = self._span(phases.mine, size)
        phases.keep(self._index, self._flat)
        parcels = [((process,), *self._span(phases.ranges[process], size)) for process in phases.others]
        slice_here: Array = phases.end(
            self._index,
            self._call,
            self._bring(parcels),
            lambda _: phases.room(self._index, phases.mine[0], to, self._flat.dtype, top - base),
        )
        failpoints.hit("allreduce.reducing")
        low, high = self._share(base, top)
        if low < high:
            leaves, members = self._leaves(phases.kept(self._index), low, high, base), len(phases.members)
            # Nobody else reads this part of this member's array: `out` may be that array.
            mine = None if out is None else out[low:high]
            self._compute((0, members), leaves, members, slice_here[low - base : high - base], mine)
        phases.end(self._index, self._call)
        if out is not None:
            out[base:low] = slice_here[: low - base]
            out[high:top] = slice_here[high - base :]
            for process in phases.others:
                low, high = self._span(phases.ranges[process], size)
                if low < high:
                    out[low:high] = self._brought(phases.ranges[process][0])

    def _share(self, base: int, top: int) -> tuple[int, int]:
        """Return the part of its process's slice that this member reduces: as many do as there are cores for."""
        mine = self._phases.mine
        workers = 1 if len(mine) == 1 else min(len(mine), max(1, available_cores() // len(self._phases.ranges)))
        position = min(self._index - mine.start, workers)
        return (
            base + position * (top - base) // workers,
            base + min(position + 1, workers) * (top - base) // workers,
        )

    def _bring(self, parcels: Iterable[Parcel]) -> Callable[[Contributions], None]:
        """Return what brings the other processes their parcels of what the members of this one keep."""

        def before(kept: Contributions) -> None:
            for to, low, high in parcels:
                if not to or low == high:
                    continue
                for node in cover(self._phases.mine):
                    leaves = {(member, member + 1): kept[member][low:high] for member in range(*node)}
                    if node in leaves:
                        self._phases.send(self._index, node[0], to, leaves[node])
                    else:
                        room = self._phases.room(self._index, node[0], to, self._flat.dtype, high - low)
                        reduce_tree(node, leaves, self._operation.ufunc, room)

        return before

    def _leaves(self, kept: Contributions, low: int, high: int, base: int) -> dict[Node, Array]:
        """Return what is known of the elements `low` to `high`; the others have brought those from `base` on."""
        leaves = {(member, member + 1): array[low:high] for member, array in kept.items()}
        if low < high:
            for process in self._phases.others:
                for node in cover(self._phases.ranges[process]):
                    leaves[node] = self._brought(node[0])[low - base : high - base]
        return leaves

    def _brought(self, sender: int) -> Array:
        array: Array = self._phases.inbound(sender, self._index).view()
        return array

    def _compute(
        self, node: Node, leaves: dict[Node, Array], members: int, out: Array, copy: Array | None = None
    ) -> None:
        def done(piece: slice) -> None:
            self._operation.finish(out[piece], members)
            if copy is not None:
                copy[piece] = out[piece]

        if out.size:
            reduce_tree(node, leaves, self._operation.ufunc, out, done)

    def _span(self, members: range, rows: int, width: int = 1) -> tuple[int, int]:
        """Return the elements that some neighbouring members reduce."""
        count = len(self._phases.members)
        return members.start * rows // count * width, members.stop * rows // count * width


def _forget(kept: Contributions) -> None:
    """Nobody reads what was kept."""
    kept.clear()
