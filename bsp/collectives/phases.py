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
ALL = -1


class Phases:
    """The phases of one process's members of a group.

    Args:
        members: the group.
        process: this process.
        lane: the way to the other processes.
        barrier: waits for all members, given the calling one and what it calls.
    """

    def __init__(self, members: Members, process: int, lane: Lane, barrier: Callable[[int, Call], object]) -> None:
        self.members = members
        self.process = process
        self.others = tuple(other for other in members.processes if other != process)
        self._lane = lane
        self._barrier = barrier
        self._mutex = threading.Lock()
        self._phase = dict.fromkeys(members.of(process), 0)
        self._local: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        self._remote: dict[int, dict[int, list[Inbound]]] = {}

    def keep(self, index: int, value: object) -> None:
        """Bring something that only the members of this process will read, by reference."""
        self._local[self._phase[index] & 1][index] = value

    def send(self, index: int, to: Sequence[int], value: object, receiver: int = ALL) -> None:
        """Bring a value to other processes."""
        self._lane.send(self._phase[index], to, index, receiver, Encoded(value))

    def array(self, index: int, dtype: np.dtype[Any], size: int, to: Sequence[int]) -> Array:
        """Bring a 1-d array to other processes that is still to be filled, before `end`; also kept for this one."""
        encoded = Encoded(np.empty(size, dtype))
        memory = self._lane.room(self._phase[index], to, index, ALL, encoded.size)
        encoded.write_headers(memory)
        array: Array = decode(memory)
        self.keep(index, array)
        return array

    def end(self, index: int, call: Call) -> None:
        """Wait for all members of the group; they must make the same call."""
        self._barrier(index, call)
        self._phase[index] += 1

    def kept(self, sender: int, reader: int) -> Any:
        """Return what a member of this process kept in the phase that has ended."""
        return self._local[(self._phase[reader] - 1) & 1][sender]

    def inbound(self, sender: int, reader: int) -> list[Inbound]:
        """Return what a member of another process sent to this one in the phase that has ended."""
        phase = self._phase[reader] - 1
        with self._mutex:
            found = self._remote.get(phase)
            if found is None:
                self._remote.pop(phase - 2, None)
                found = self._remote.setdefault(phase, {})
                for message in self._lane.receive(phase):
                    found.setdefault(message.sender, []).append(message)
        return found.get(sender, [])

    def is_here(self, index: int) -> bool:
        """Whether a member lives in this process."""
        return self.members.process_of(index) == self.process
