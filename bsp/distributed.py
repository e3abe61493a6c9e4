"""What the members of a group make together and share: queues, variables and co-arrays."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from .barriers import call
from .collectives import Collectives, Phases
from .errors import BSPError
from .messages import Line, Mailbox, Part, Queue, plain_dtype, ufunc_of
from .variables import Coarray, Remote, Variable, exchange_answers

PartT = TypeVar("PartT", bound=Part)


class Distributed(Collectives):
    """One member's ends of what all have made, in the same order. They live as long as the group.

    Args:
        phases: how the members exchange what they bring to collectives.
        mailbox: carries what is sent in a superstep.
        index: the member.
    """

    def __init__(self, phases: Phases, mailbox: Mailbox, index: int) -> None:
        super().__init__(phases, index)
        self._mailbox = mailbox
        self._parts: dict[int, Part] = {}

    def queue(self, dtype: Any, *, combine: str | np.ufunc | None = None, key: str | None = None) -> Queue:
        """Make a queue of many small messages of one dtype. All members must call it.

        Args:
            dtype: of numbers, fixed-width strings or dates; or fields of these, [("vertex", "i8"), ("rank", "f8")].
            combine: "sum", "min", "max" or a ufunc of two arguments, to join items for the same receiver at the sender:
                those of one key, field by field.
            key: the field that tells which items are joined; without it all are.

        Raises:
            BSPError: another dtype, combiner or key, or the members' differ.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: l.
        """
        made = plain_dtype(dtype)
        if key is not None and (combine is None or made.names is None or key not in made.names):
            raise BSPError(f"the key of a combiner must be a field of {made}, got {key!r}")
        ufunc = None if combine is None else ufunc_of(combine)
        joined = "" if ufunc is None else f", {ufunc.__name__} by {key}"
        line = self._line(f"queue({made}{joined})")
        return self._add(Queue(line, made, ufunc, key))

    def variable(self, value: object = None) -> Variable:
        """Make a variable that every member has a value of. All members must call it.

        Args:
            value: this member's first value: anything that can be sent.

        Raises:
            BSPError: another member called something else.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: l.
        """
        return self._add(Variable(self._line("variable()"), value))

    def coarray(self, shape: int | Sequence[int], dtype: Any = np.float64) -> Coarray:
        """Make an array of zeros that every member has one of. All members must call it.

        Args:
            shape: the same on all members.
            dtype: of numbers, the same on all members.

        Raises:
            BSPError: another dtype, or the members' shapes or dtypes differ.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: l.
        """
        made = plain_dtype(dtype)
        if made.kind not in "biufc":
            raise BSPError(f"a co-array holds numbers, got {made}")
        local = np.zeros(shape, made)
        return self._add(Coarray(self._line(f"coarray({local.shape}, {made})"), local))

    def _flush(self) -> int:
        """Send what is buffered at the end of a superstep; return flags for its barrier."""
        flags = 0
        for part in self._parts.values():
            flags |= part.flush()
        return flags

    def _turn(self, gets: bool) -> None:
        """Begin the next superstep, given whether any member has asked for values of variables."""
        if gets:
            variables = {number: part for number, part in self._parts.items() if isinstance(part, Remote)}
            exchange_answers(self._phases, self.index, variables)
        for part in self._parts.values():
            part.turn()

    def _line(self, called: str) -> Line:
        self._phases.end(self.index, call(called))
        return Line(self._mailbox, self.index, len(self._parts) + 1, self.num_peers)

    def _add(self, part: PartT) -> PartT:
        self._parts[len(self._parts) + 1] = part
        return part
