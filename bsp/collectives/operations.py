"""The collectives of a group, as one of its members calls them. No superstep ends in them.

All members call the same operation, in the same order, with arguments that fit: the barrier compares what they called.
n is the bytes of an array or value, P the number of members; costs are given in the BSP model (`Group`).
"""

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..barriers import call
from ..errors import BSPError
from . import exchanges, folds
from .operators import Elementwise, Op, elementwise, name_of, operand, result_like
from .phases import Phases
from .reductions import Reduction

Array = NDArray[Any]


class Collectives:
    """What one member does together with all others.

    Args:
        phases: how they exchange what they bring.
        index: the member.
    """

    def __init__(self, phases: Phases, index: int) -> None:
        self.index = index
        self.num_peers = len(phases.members)
        self._phases = phases

    # Reductions

    def allreduce(self, value: Any, op: Op = "sum", *, out: Array | None = None) -> Any:
        """Reduce what all members give; everyone gets the result.

        The reduction follows one binary tree over the members, ((0+1)+(2+3))+…: the same bits for any placement.

        Args:
            value: an array or a number; the same shape and dtype on all members. For a function: any value that can
                be sent.
            op: "sum", "mean", "max", "min" or a ufunc of two arguments (np.multiply, np.logical_or, …), taken
                elementwise; or a function of two values that returns their reduction, associative, and free to change
                what it is given. Booleans count as int64 by name; the mean of integers is float64.
            out: an array to write the result of an elementwise operation into; may be `value` itself.

        Returns:
            An array of the shape of `value` (or `out`), a numpy scalar for a number, or what the function returned.

        Raises:
            BSPError: unknown operation, no numbers, or the members' shapes, dtypes or operations differ.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: 2·n·g + 2·l; up to 32 KiB, and by a function, P·n·g + l.
        """
        return self._reduce("allreduce", value, op, None, out)

    def reduce(self, value: Any, op: Op = "sum", root: SupportsIndex = 0, *, out: Array | None = None) -> Any:
        """Reduce what all members give; member `root` gets the result, the others None.

        Args:
            value: as for `allreduce`.
            op: as for `allreduce`.
            root: the same on all members.
            out: as for `allreduce`; looked at on the root only.

        Raises:
            BSPError: no such root, or as `allreduce`.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: 2·n·g + 2·l; up to 32 KiB, and by a function, P·n·g + l.
        """
        return self._reduce("reduce", value, op, self._root(root), out)

    def reduce_scatter(self, value: Any, op: Op = "sum", *, out: Array | None = None) -> Any:
        """Reduce arrays of all members elementwise; each member gets its share of the rows.

        Args:
            value: an array of r rows (its first axis), the same shape and dtype on all members.
            op: an elementwise operation, see `allreduce`.
            out: an array to write the share into.

        Returns:
            The rows from `index * r // num_peers` up to `(index + 1) * r // num_peers` of the reduction.

        Raises:
            BSPError: no rows, a function that is not elementwise, or as `allreduce`.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: n·g + l.
        """
        operation = elementwise(op)
        if operation is None:
            raise BSPError("reduce_scatter takes elementwise operations only: reduce with a function, then scatter")
        array = operand(value, operation)
        if array.ndim == 0:
            raise BSPError("reduce_scatter takes an array with rows to share out, got a number")
        rows = len(array)
        mine = (self.index + 1) * rows // self.num_peers - self.index * rows // self.num_peers
        result = result_like((mine, *array.shape[1:]), array.dtype, out)
        self._reduction("reduce_scatter", operation, array).reduce_rows(rows, result.reshape(-1))
        return result

    def scan(self, value: Any, op: Op = "sum", *, out: Array | None = None) -> Any:
        """Reduce what the members up to and with this one give: prefixes.

        Args:
            value: as for `allreduce`.
            op: as for `allreduce`; "mean" is that of the members up to this one.
            out: as for `allreduce`.

        Returns:
            On member i, the bits that `allreduce` gives in a group of the members 0 to i.

        Raises:
            BSPError, JobAborted, BarrierTimeout: as `allreduce`.

        Cost: P·n·g + l.
        """
        operation = elementwise(op)
        if operation is None:
            function: Any = op
            _without(out)
            return folds.scan(self._phases, self.index, value, function, call(f"scan({name_of(op)})"))
        array = operand(value, operation)
        result = result_like(array.shape, array.dtype, out)
        self._reduction("scan", operation, array).scan(result.reshape(-1))
        return result if np.ndim(value) or out is not None else result[()]

    # Exchanges

    def broadcast(self, value: object = None, root: SupportsIndex = 0, *, out: Array | None = None) -> Any:
        """Return on all members a copy of the value that member `root` gives.

        Args:
            value: None, numbers, str, bytes, numpy arrays and scalars, and lists, tuples, dicts of these; ignored on
                the other members.
            root: who gives it, the same on all members.
            out: an array like the root's, to copy it into; returned then.

        Raises:
            BSPError: no such root, a value of another type, one that does not fit `out`, or the members' roots differ.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: n·g + l.
        """
        root = self._root(root)
        return exchanges.broadcast(self._phases, self.index, value, root, call(f"broadcast from {root}"), out)

    def gather(self, value: object, root: SupportsIndex = 0, *, out: Array | None = None) -> Any:
        """Return on member `root` what each member gives, as a list by their indices; None on the others.

        Args:
            value: as for `broadcast`; the members' values may differ in type and shape.
            root: who gets them, the same on all members.
            out: on the root, an array into row i of which the array of member i is copied; returned then.

        Raises:
            BSPError: as `broadcast`.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: P·n·g + l.
        """
        root = self._root(root)
        return exchanges.gather(self._phases, self.index, value, root, call(f"gather to {root}"), out)

    def allgather(self, value: object, *, out: Array | None = None) -> Any:
        """Return on all members what each member gives, as a list by their indices.

        Args:
            value: as for `gather`.
            out: an array into row i of which the array of member i is copied; returned then.

        Raises:
            BSPError: a value of another type, or one that does not fit `out`.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: P·n·g + l.
        """
        return exchanges.allgather(self._phases, self.index, value, call("allgather()"), out)

    def scatter(
        self, values: Sequence[object] | Array | None = None, root: SupportsIndex = 0, *, out: Array | None = None
    ) -> Any:
        """Return on member i the value i of those that member `root` gives.

        Args:
            values: one for each member, each as for `broadcast`, or an array with a row for each; ignored on the
                other members.
            root: who gives them, the same on all members.
            out: an array like this member's value, to copy it into; returned then.

        Raises:
            BSPError: another number of values, or as `broadcast`.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: P·n·g + l.
        """
        root = self._root(root)
        given: Any = values
        return exchanges.scatter(self._phases, self.index, given, root, call(f"scatter from {root}"), out)

    def alltoall(self, values: Sequence[object] | Array, *, out: Array | None = None) -> Any:
        """Give each member a value; return what each member gives this one, as a list by their indices.

        Args:
            values: one for each member, each as for `broadcast`, or an array with a row for each.
            out: an array into row i of which the array of member i is copied; returned then.

        Raises:
            BSPError: another number of values, or as `allgather`.
            JobAborted, BarrierTimeout: as `Group.sync`.

        Cost: P·n·g + l.
        """
        given: Any = values
        return exchanges.alltoall(self._phases, self.index, given, call("alltoall()"), out)

    def _reduce(self, name: str, value: Any, op: Op, root: int | None, out: Array | None) -> Any:
        members, reads = self._phases.members, root is None or root == self.index
        readers = members.processes if root is None else (members.process_of(root),)
        target = "" if root is None else f" to {root}"
        operation = elementwise(op)
        if operation is None:
            function: Any = op
            _without(out)
            called = call(f"{name}({name_of(op)}){target}")
            total = folds.fold(self._phases, self.index, value, function, called, readers)
            return total if reads else None
        array = operand(value, operation)
        result = result_like(array.shape, array.dtype, out) if reads else None
        if result is not None and np.may_share_memory(result, array) and result.ctypes.data != array.ctypes.data:
            array = array.copy()
        flat = None if result is None else result.reshape(-1)
        self._reduction(name, operation, array, target).reduce(readers, flat)
        return result if result is None or np.ndim(value) or out is not None else result[()]

    def _reduction(self, name: str, operation: Elementwise, array: Array, target: str = "") -> Reduction:
        called = call(f"{name}({operation.name}){target} of {array.dtype} {array.shape}")
        return Reduction(self._phases, self.index, operation, called, array.reshape(-1))

    def _root(self, root: SupportsIndex) -> int:
        try:
            whole = range(self.num_peers)[root]
        except (TypeError, IndexError):
            whole = -1
        if whole < 0 or whole != root:
            raise BSPError(f"the root must be in [0, {self.num_peers}), got {root!r}")
        return whole


def _without(out: Array | None) -> None:
    if out is not None:
        raise BSPError("out is for elementwise operations: a function of two values returns the result itself")
