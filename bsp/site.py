"""A site: what the members of one group share that live in one process. Its barriers, its mailbox, its collectives."""

import time
from collections.abc import Callable, MutableMapping

from .barriers import MESSAGES, STOP, SYNC, Arrival, Barrier, Call, ThreadBarrier, Verdict
from .collectives import Phases
from .messages import Mailbox
from .placement import Members
from .transport import Channel, Kept, Lane
from .vigil import Vigil


class Site:
    """One process's members of a group and their way to the others.

    Args:
        group: the group's name, "world" or what `Group.split` made of it.
        members: the group.
        process: this process.
        parent: the site of the group that it was split from, None for the world's.
        channel: what the transport gives the group.
        messages: the lane for messages, the channel's or one around it.
        kept: memory for messages that stay in this process.
        barrier: the meeting of the group's processes.
        vigil: what waiting peers look at.
        waited: seconds that each peer of this process has waited for others, by its rank; added to here.
        stop_requested: whether the job was asked to stop.
        timeout: seconds that a peer waits for the others of its process, or None for as long as it takes.
    """

    def __init__(
        self,
        group: str,
        members: Members,
        process: int,
        parent: "Site | None",
        channel: Channel,
        messages: Lane,
        kept: Kept,
        barrier: Barrier,
        *,
        vigil: Vigil,
        waited: MutableMapping[int, float],
        stop_requested: Callable[[], bool],
        timeout: float | None = None,
    ) -> None:
        self.group = group
        self.members = members
        self.parent = parent
        self._channel = channel
        self._messages = messages
        self._barrier = barrier
        self._retired: list[Site] = []
        # One process of the group looks, so that all members see a request to stop in the same superstep.
        self._stop_requested = stop_requested if members.processes[0] == process else _never
        mine = members.of(process)
        self._threads = ThreadBarrier([members.ranks[index] for index in mine], vigil.check, timeout)
        self._vigil = vigil
        self._waited = waited
        self._crossing = self._meeting = 0.0  # seconds that the last to arrive here crossed, and waited for processes
        self.mailbox = Mailbox(members, process, messages, kept)
        self.phases = Phases(members, process, channel.collectives, self._wait_around, self.mailbox.check_open)

    def wait(self, index: int, call: Call, flags: int = 0) -> Verdict:
        """Wait for all members of the group, which must make the same call."""
        self.mailbox.check_open(index)
        return self._gather(index, Arrival(call, flags), self._cross_alone)

    def _wait_around(self, index: int, call: Call, around: Callable[[Callable[[], object]], None]) -> None:
        """Wait for all; the last member to arrive here does something around the crossing for all, or instead of it."""
        self.mailbox.check_open(index)

        def cross(arrival: Arrival) -> Verdict:
            start = time.perf_counter()
            around(lambda: self._cross(arrival))
            self._crossing += time.perf_counter() - start
            return Verdict(0)

        self._gather(index, Arrival(call), cross)

    def _gather(self, index: int, arrival: Arrival, cross: Callable[[Arrival], Verdict]) -> Verdict:
        rank = self.members.ranks[index]
        start, worked = time.perf_counter(), self._crossing - self._meeting
        if self.parent is None:  # who finishes comes to a barrier of this group, and is told apart there
            verdict = self._threads.wait(rank, arrival, cross)
        else:
            with self._vigil.waiting(self.group, self.members.ranks):
                verdict = self._threads.wait(rank, arrival, cross)
        # what was moved for all meanwhile is work, whichever thread did it
        self._waited[rank] += time.perf_counter() - start - (self._crossing - self._meeting - worked)
        return verdict

    def retire(self, site: "Site") -> None:
        """Note that the members here have left a group within this one.

        Its memory is given back after the next barrier: by then nobody reads the words of its last one any more.
        """
        self._retired.append(site)

    def _close(self) -> None:
        for site in self._retired:
            site._close()
        self._barrier.close()
        self.mailbox.close()
        self._channel.close()

    def _cross_alone(self, arrival: Arrival) -> Verdict:
        start = time.perf_counter()
        verdict = self._cross(arrival)
        self._crossing += time.perf_counter() - start
        return verdict

    def _meet(self, arrival: Arrival) -> Verdict:
        start = time.perf_counter()
        verdict = self._barrier.wait(arrival)
        self._meeting += time.perf_counter() - start
        return verdict

    def _cross(self, arrival: Arrival) -> Verdict:
        if self._retired:
            return self._cross_and_close(arrival)
        call, flags = arrival
        if self._stop_requested():
            flags |= STOP
        if call != SYNC:
            self._channel.collectives.settle()
            return self._meet(Arrival(call, flags))
        if self.mailbox.sent():
            flags |= MESSAGES
        self._messages.settle()
        verdict = self._meet(Arrival(SYNC, flags))
        self.mailbox.deliver(verdict.messages)
        return verdict

    def _cross_and_close(self, arrival: Arrival) -> Verdict:
        retired, self._retired = self._retired, []
        verdict = self._cross(arrival)
        for site in retired:
            site._close()
        return verdict


def _never() -> bool:
    return False
