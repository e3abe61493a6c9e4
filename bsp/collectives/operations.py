"""The collectives of a group.

An allreduce of n bytes cuts the array into one slice per member. Every member brings what the other processes need of
its array, reduces its own slice over all members, and copies the others' results: two barriers. The slice is reduced
along ONE binary tree over the members, whatever process they live in.
"""

from typing import Any

import numpy as np

from .. import failpoints
from ..barriers import call
from ..encoding import Encoded, decode
from ..errors import BSPError
from .phases import Phases
from .reduction import OPERATIONS, Array, operand, result_like, tree_reduce


class Collectives:
    """The collectives of one process's members of a group.

    Args:
        phases: how they exchange what they bring.
    """

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self._members = phases.members

    def allreduce(self, index: int, value: Any, op: str, out: Array | None) -> Any:
        """Reduce over all members; see `Group.allreduce`."""
        array = operand(value, op, "allreduce")
        result = result_like(array, out)
        flat, target = array.reshape(-1), result.reshape(-1)
        what, phases = call(f"allreduce({op}) of {array.dtype} {array.shape}"), self._phases
        phases.keep(index, flat)
        for process in phases.others:
            low, high = self._span(self._members.of(process), flat.size)
            if low < high:
                phases.send(index, (process,), flat[low:high])
        phases.end(index, what)
        failpoints.hit("allreduce.reducing")
        self._reduce_slice(index, flat, op)
        phases.end(index, what)
        for member in range(len(self._members)):
            low, high = self._span(range(member, member + 1), flat.size)
            if low < high:
                target[low:high] = self._brought(member, index)
        return result if np.ndim(value) or out is not None else result[()]

    def broadcast(self, index: int, value: object, root: int) -> Any:
        """Return the root's value on all members; see `Group.broadcast`."""
        if not 0 <= root < len(self._members):
            raise BSPError(f"the root must be in [0, {len(self._members)}), got {root}")
        phases = self._phases
        if index == root:
            encoded = Encoded(value)
            memory = bytearray(encoded.size)
            encoded.write(memoryview(memory))
            phases.keep(index, memory)
            phases.send(index, phases.others, value)
        phases.end(index, call(f"broadcast from {root}"))
        if phases.is_here(root):
            return decode(bytearray(phases.kept(root, index)))
        return phases.inbound(root, index)[0].value()

    def allgather(self, index: int, value: object, name: str) -> list[Any]:
        """Return what each member gives, on all members. `name` is what the peers called."""
        encoded, phases = Encoded(value), self._phases
        memory = bytearray(encoded.size)
        encoded.write(memoryview(memory))
        phases.keep(index, memory)
        phases.send(index, phases.others, value)
        phases.end(index, call(f"{name}()"))
        return [
            decode(bytearray(phases.kept(member, index)))
            if phases.is_here(member)
            else phases.inbound(member, index)[0].value()
            for member in range(len(self._members))
        ]

    def _reduce_slice(self, index: int, flat: Array, op: str) -> None:
        low, high = self._span(range(index, index + 1), flat.size)
        if low == high:  # fewer elements than members
            return
        base, _ = self._span(self._members.of(self._phases.process), flat.size)
        parts = [
            self._brought(member, index)[low:high]
            if self._phases.is_here(member)
            else self._brought(member, index)[low - base : high - base]
            for member in range(len(self._members))
        ]
        target = self._phases.array(index, flat.dtype, high - low, self._phases.others)
        tree_reduce(parts, OPERATIONS[op], target)
        if op == "mean":
            np.divide(target, len(self._members), out=target)

    def _brought(self, member: int, reader: int) -> Array:
        """Return the array that a member has brought in the phase that has ended."""
        if self._phases.is_here(member):
            kept: Array = self._phases.kept(member, reader)
            return kept
        sent: Array = self._phases.inbound(member, reader)[0].view()
        return sent

    def _span(self, members: range, size: int) -> tuple[int, int]:
        """Return the elements that some neighbouring members reduce."""
        return members.start * size // len(self._members), members.stop * size // len(self._members)
