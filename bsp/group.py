"""A group of peers, as one of its members sees it: messages, supersteps, collectives, and groups within it.

Costs are given in the BSP model: h bytes sent or received by a peer cost h·g, a barrier of the group costs l.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, SupportsIndex

from .barriers import GO_ON, SYNC, call
from .collectives import allgather
from .distributed import Distributed
from .errors import BSPError
from .home import Home
from .messages import Combine, Combiner, function_of
from .placement import Members
from .probe import Machine, measure
from .site import Site


class Group(Distributed):
    """One member's view of a group. For the thread of the peer that has it.

    Groups run asynchronously of each other: a superstep of one waits for nobody outside of it.

    Attributes:
        index: this member, in [0, num_peers).
        num_peers: how many members the group has.
        ranks: the members' indices in the job.
        stopping: whether the job was asked to stop. All members see the same answer at the same place of the program,
            as it changes only in `sync()`.
    """

    def __init__(self, home: Home, site: Site, index: int) -> None:
        super().__init__(site.phases, site.mailbox, index)
        self.ranks: Sequence[int] = site.members.ranks
        self.stopping = False
        self._home = home
        self._site = site
        self._splits = 0
        self._combiner: Combiner | None = None
        self._messages: list[Any] | None = None

    @property
    def superstep(self) -> int:
        """How many supersteps of the group have ended."""
        return self._site.mailbox.superstep

    @property
    def waited(self) -> float:
        """Seconds that this peer has waited for others since it began, in all of its groups.

        At barriers, those of collectives included, and for posts; what is moved there meanwhile is not in it.
        """
        return self._home.waited[self.ranks[self.index]]

    # Messages

    def send(self, to: int, value: object, *, move: bool = False) -> None:
        """Send a value to a member: readable by `to` after the next `sync()`, until the one after.

        The value is copied here and now; what the sender changes later is not seen.

        Args:
            to: the receiver, in [0, num_peers); may be this member.
            value: None, numbers, str, bytes, numpy arrays and scalars, and lists, tuples, dicts of these.
            move: hand the value over instead: the sender must not touch it any more. Saves the copy inside a process.

        Raises:
            BSPError: no such receiver, a value of another type, or no memory left.

        Cost: h·g, h = bytes of the value; twice a copy in memory on one host.
        """
        if self._combiner is None:
            self._site.mailbox.send(self.index, to, value, move)
        else:
            self._site.mailbox.check(to)
            self._combiner.add(to, value)

    def combine(self, combiner: str | Combine | None) -> None:
        """From now on join what this member sends to one receiver in one superstep, before it travels.

        Each receiver then gets one message of this member at most. Queues have combiners of their own.

        Args:
            combiner: "sum", "min" or "max", of numbers or elementwise of arrays; or a function of two messages that
                returns their join, associative, and free to change the first; or None for none.

        Raises:
            BSPError: no such combiner.
        """
        made = None if combiner is None else Combiner(function_of(combiner))
        self._send_combined()
        self._combiner = made

    def messages(self, key: Callable[[Any], Any] | None = None) -> list[Any]:
        """Return what was sent to this member in the last superstep, ordered by (sender, sequence).

        The arrays in it are this member's own and writable.

        Args:
            key: sorts them by what it returns for a message; equal ones stay in order.
        """
        if self._messages is None:
            self._messages = [message.value() for message in self._site.mailbox.received(self.index)]
        return self._messages if key is None else sorted(self._messages, key=key)

    def stream(self) -> Iterator[Any]:
        """Yield what `messages()` returns, one by one, each decoded when it is asked for and not kept.

        For messages that are large together: only one at a time takes memory of this member.

        Raises:
            BSPError: the superstep has ended before all were read.
        """
        superstep = self.superstep
        for message in self._site.mailbox.received(self.index):
            if self.superstep != superstep:
                raise BSPError("messages can be read until the next sync(): the superstep has ended")
            yield message.value()

    @property
    def num_messages(self) -> int:
        """How many messages `messages()` holds."""
        return len(self._site.mailbox.received(self.index))

    def clear(self) -> None:
        """Forget the messages of the last superstep, to have their memory back early."""
        self._site.mailbox.clear(self.index)
        self._messages = None

    def sync(self, *, halt: bool = False) -> bool:
        """End the superstep: wait for all members, and make what they sent readable.

        Args:
            halt: this member's vote to end the program, as in `while not peer.sync(halt=converged)`.

        Returns:
            Whether all members voted to halt: the same on all of them.

        Raises:
            JobAborted: the job was ended elsewhere.
            BarrierTimeout: members did not come within the job's `timeout`.
            BSPError: another member called something else, or has finished.

        Cost: l; 2·l in a superstep in which any member called `get` of a variable.
        """
        if self._combiner is not None:
            self._send_combined()
        flags = 0 if halt else GO_ON
        if self._parts:
            flags |= self._flush()
        verdict = self._site.wait(self.index, SYNC, flags)
        self.stopping = verdict.stop
        self._messages = None
        if self._parts:
            self._turn(verdict.gets)
        return not verdict.go_on

    def probe(self) -> Machine:
        """Measure r, g and l of the machine as this group finds it now. No superstep ends.

        Returns:
            The same on all members: the numbers of the slowest one.

        Raises:
            JobAborted, BarrierTimeout: as `sync`.

        Cost: some 140·l, 20 MiB from every member, and 20 products of 256 × 256 matrices.
        """
        return measure(self, lambda: self._site.wait(self.index, call("probe()")))

    # Groups

    def split(self, color: SupportsIndex) -> "Group":
        """Divide the group: members that give the same color form a group of their own (a region).

        The order of the members stays. All members of this group must call it. Its barriers are region barriers:
        `sync` of the new group waits for its members only.

        Args:
            color: a whole number of at least 0.

        Returns:
            The new group that this member is in. Close it, or use it in a `with` statement, when it is done with.

        Raises:
            TypeError, BSPError: the color is no such number.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: 3·l and a few hundred bytes from every member to every other.
        """
        color = operator.index(color)
        if color < 0:
            raise BSPError(f"a color must be at least 0, got {color}")
        self._splits += 1
        called = call("split()")
        colors = allgather(self._phases, self.index, color, called)
        mine = [index for index, theirs in enumerate(colors) if theirs == color]
        group = f"{self._site.group}-{self._splits}.{color}"
        members = Members(self._site.members.placement, [self._site.members.ranks[index] for index in mine])
        told = allgather(self._phases, self.index, self._home.offer(group, members), called)
        offers = {self._site.members.process_of(index): told[index] for index in mine}
        return Group(self._home, self._home.site(group, members, offers, self._site), mine.index(self.index))

    def close(self) -> None:
        """Leave the group for good, together with all its members, and with it what was not read.

        Raises:
            BSPError: it is closed already, or the group of all peers.
            JobAborted, BarrierTimeout: as `sync`.

        Cost: l.
        """
        if self._site.parent is None:
            raise BSPError("the group of all peers cannot be closed: it ends with the program")
        self._site.wait(self.index, call("close()"))
        self._site.mailbox.leave(self.index)
        self._home.leave(self._site)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def _send_combined(self) -> None:
        if self._combiner is not None:
            for to, value in self._combiner.take().items():
                self._site.mailbox.send(self.index, to, value, True)
