"""What collectives exchange: every member brings something in a phase, and reads what the others brought after it.

Members of one process read each other's by reference, others through the lane of the transport. A phase ends with a
barrier of the group. What was brought in phase e is readable until the barrier of e+1; whoever brings something in
e+2 has passed that one, and may use the memory again.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..barriers import Call
from ..encoding import Encoded, decode
from ..placement import Members
from ..transport import Inbound, Lane

Array = NDArray[Any]
Contributions = dict[int, Any]
"""What the members of this process keep for each other in a phase."""
Around = Callable[[Callable[[], object]], None]
"""Given the crossing of the barrier between the processes; run by one thread while the others of its process wait."""

ALL = -1


class Phases:
    """The phases of one process's members of a group.

    Args:
        members: the group.
        process: this process.
        lane: the way to the other processes.
        barrier: waits for all members, given the calling one, what it calls, and what is to be done by one for all.
        check_open: raises BSPError where a member has closed the group.
    """

    def __init__(
        self,
        members: Members,
        process: int,
        lane: Lane,
        barrier: Callable[[int, Call, Around], object],
        check_open: Callable[[int], None],
    ) -> None:
        self.members = members
        self.process = process
        self.ranges = {other: members.of(other) for other in members.processes}
        self.mine = self.ranges[process]
        self.others = tuple(other for other in members.processes if other != process)
        self._lane = lane
        self._barrier = barrier
        self._check_open = check_open
        self._mutex = threading.Lock()
        self._phase = dict.fromkeys(self.mine, 0)
        self._kept: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        self._outcome: list[Any] = [None, None]
        self._inbound: dict[int, dict[tuple[int, int], Inbound]] = {}

    # What a member brings, before the end of the phase

    def keep(self, index: int, value: object) -> None:
        """Bring something that only the members of this process will read, by reference."""
        self._check_open(index)
        self._kept[self._phase[index] & 1][index] = value

    def give(self, index: int, value: object, receiver: int = ALL) -> None:
        """Bring a value for one member, or for all: a copy of it. Once per phase and receiver."""
        self.give_encoded(index, Encoded(value), receiver)

    def give_encoded(self, index: int, encoded: Encoded, receiver: int) -> None:
        """Bring a value that is encoded already; see `give`."""
        self._check_open(index)
        to = self.others if receiver == ALL else (self.members.process_of(receiver),)
        if receiver == ALL or to[0] == self.process:
            memory = bytearray(encoded.size)
            encoded.write(memoryview(memory))
            self._kept[self._phase[index] & 1].setdefault(index, {})[receiver] = memory
        if to and to[0] != self.process:
            self._lane.send(self._phase[index], to, index, receiver, encoded)

    def send(self, index: int, sender: int, to: Sequence[int], value: object) -> None:
        """Bring a value to other processes, as what the member `sender` of this one brings."""
        self._lane.send(self._phase[index], to, sender, ALL, Encoded(value))

    def room(self, index: int, sender: int, to: Sequence[int], dtype: np.dtype[Any], size: int) -> Array:
        """Bring a 1-d array to other processes that is still to be filled, before `end`; see `send`."""
        if not to:
            return np.empty(size, dtype)
        encoded = Encoded(np.ndarray(size, dtype, np.empty(1, dtype), strides=(0,)))  # needs no memory
        memory = self._lane.room(self._phase[index], to, sender, ALL, encoded.size)
        encoded.write_headers(memory)
        array: Array = decode(memory)
        return array

    # The end of a phase

    def end(
        self,
        index: int,
        call: Call,
        before: Callable[[Contributions], None] | None = None,
        after: Callable[[Contributions], Any] | None = None,
    ) -> Any:
        """Wait for all members of the group; they must make the same call.

        Args:
            index: the calling member.
            call: what it calls.
            before: run by one thread for all of this process when they have arrived.
            after: likewise after the barrier, in the next phase; may clear what was kept, where nobody else reads it.

        Returns:
            What `after` returned: the same object for all members of this process.
        """
        phase = self._phase[index]
        kept = self._kept[phase & 1]

        def around(cross: Callable[[], object]) -> None:
            if before is not None:
                before(kept)
            cross()
            self._kept[~phase & 1].clear()
            self._outcome[~phase & 1] = None
            for member in self.mine:
                self._phase[member] = phase + 1
            self._inbound.pop(phase - 1, None)
            if after is not None:
                self._outcome[phase & 1] = after(kept)

        self._barrier(index, call, around)
        return self._outcome[phase & 1]

    def meet(self, index: int, call: Call) -> None:
        """Wait for the members of this process only: what they kept in the phase that has ended is read."""
        if len(self.mine) > 1:
            kept = self._kept[(self._phase[index] - 1) & 1]
            self._barrier(index, call, lambda cross: kept.clear())
        else:
            self._kept[(self._phase[index] - 1) & 1].clear()

    # What the others brought, after the end of the phase

    def kept(self, index: int) -> Contributions:
        """Return what the members of this process kept in the phase that has ended."""
        return self._kept[(self._phase[index] - 1) & 1]

    def given(self, sender: int, reader: int) -> Any:
        """Return what a member gave the reader: a copy of its own."""
        if not self.is_here(sender):
            return self.inbound(sender, reader).value()
        memory, mine = self._given_here(sender, reader)
        return decode(memory if mine else bytearray(memory))

    def view(self, sender: int, reader: int) -> Any:
        """Return what a member gave the reader, to be read before the next phase ends; see `given`."""
        return (
            self.inbound(sender, reader).view()
            if not self.is_here(sender)
            else decode(self._given_here(sender, reader)[0])
        )

    def inbound(self, sender: int, reader: int) -> Inbound:
        """Return what a member of another process sent in the phase that has ended."""
        phase = self._phase[reader] - 1
        with self._mutex:
            found = self._inbound.get(phase)
            if found is None:
                found = {(message.sender, message.receiver): message for message in self._lane.receive(phase)}
                self._inbound[phase] = found
        return found[sender, reader] if (sender, reader) in found else found[sender, ALL]

    def is_here(self, index: int) -> bool:
        """Whether a member lives in this process."""
        return index in self.mine

    def _given_here(self, sender: int, reader: int) -> tuple[bytearray, bool]:
        given: dict[int, bytearray] = self.kept(reader)[sender]
        return (given[reader], True) if reader in given else (given[ALL], False)
