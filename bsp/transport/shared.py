"""The transport between the processes of a host: each writes into a heap of its own, the others read it.

A lane is a header in each process's heap, and arenas for what it sends.

    header   for each parity of the epoch: the epoch + 1, then per process of the group: offset of the first record
    record   offset of the next record for the same process; sender, receiver; offset and size of the encoded value

With a memory limit, what would exceed it lies in the sender's file instead; the lowest bit of an offset tells.

There are two arenas per lane, used in turn: what is sent in epoch e is read in e+1, while the other one fills, and its
memory is used again in e+2, when the barrier has proved that every reader is done. No copy besides the two that a
message needs: into the arena, and out of it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..barriers import Barrier, LoneBarrier, WordsBarrier
from ..memory.heap import LINE, Heap, aligned
from ..memory.segment import Segment
from ..memory.spill import SPILLED, Spill, Tiers
from ..memory.words import MeetingWords
from ..placement import Members, Placement
from .arena import Arena
from .base import Channel, Inbound, Lane, Offer, Transport
from .shared_posts import SharedPosts

_WORD = 8
_NEXT, _SENDER, _RECEIVER, _AT, _SIZE = range(5)


class SharedLane(Lane):
    """This process's side of a lane.

    Args:
        process: this process.
        members: the group.
        heap: this process's.
        heaps: the memory of all processes' heaps.
        headers: for each process of the group, where its header lies in its heap.
        spill: where this process goes beyond its limit, or None without a limit.
        spills: the files of all processes, if there is a limit.
    """

    def __init__(
        self,
        process: int,
        members: Members,
        heap: Heap,
        heaps: Sequence[Segment],
        headers: Mapping[int, int],
        spill: Spill | None = None,
        spills: Sequence[Segment] = (),
    ) -> None:
        self._process = process
        self._positions = {process: position for position, process in enumerate(members.processes)}
        self._heap = heap
        self._heaps = heaps
        self._headers = headers
        self._tiers = Tiers(heap, spill)
        self._spills = spills
        self._arenas = (Arena(self._tiers), Arena(self._tiers))
        self._mutex = threading.Lock()
        self._epoch = -1
        self._last: dict[int, int] = {}

    @staticmethod
    def header_size(processes: int) -> int:
        """Return the bytes of a header of a group of so many processes."""
        return 2 * aligned(_WORD * (1 + processes))

    def room(self, epoch: int, to: Sequence[int], sender: int, receiver: int, size: int) -> memoryview:
        """Return memory in this process's heap; see `Lane.room`."""
        arena = self._arenas[epoch & 1]
        with self._mutex:
            if self._epoch != epoch:
                self._begin(epoch, arena)
            records = LINE * len(to)
            offset = arena.take(records + size)
            place = offset + records
            for number, process in enumerate(to):
                self._link(epoch, process, offset + LINE * number, (0, sender, receiver, place, size))
            self._tiers.note(place, size)
        return self._tiers.view(place, size)

    def sent(self, epoch: int) -> bool:
        """Whether there is a record of this epoch."""
        return self._epoch == epoch and bool(self._last)

    def settle(self) -> None:
        """What is written is there."""

    def receive(self, epoch: int) -> list[Inbound]:
        """Follow the chains that the others have made for this process."""
        return [
            found for process in self._positions if process != self._process for found in self._from(process, epoch)
        ]

    def close(self) -> None:
        """Give the arenas back."""
        for arena in self._arenas:
            arena.close()

    def _place(self, process: int, epoch: int) -> int:
        return self._headers[process] + (epoch & 1) * aligned(_WORD * (1 + len(self._positions)))

    def _begin(self, epoch: int, arena: Arena) -> None:
        arena.reset()
        start = self._place(self._process, epoch)
        words = self._heap.view(start, _WORD * (1 + len(self._positions))).cast("q")
        for position in range(len(self._positions)):
            words[1 + position] = 0
        words[0] = epoch + 1
        self._epoch = epoch
        self._last.clear()

    def _link(self, epoch: int, process: int, offset: int, record: tuple[int, int, int, int, int]) -> None:
        words = self._tiers.view(offset, LINE).cast("q")
        words[0], words[1], words[2], words[3], words[4] = record
        previous = self._last.get(process)
        if previous is None:
            position = 1 + self._positions[process]
            self._heap.view(self._place(self._process, epoch) + _WORD * position, _WORD).cast("q")[0] = offset
        else:
            self._tiers.view(previous, LINE).cast("q")[_NEXT] = offset
        self._last[process] = offset

    def _from(self, process: int, epoch: int) -> Iterator[Inbound]:
        segment, start = self._heaps[process], self._place(process, epoch)
        header = segment.view(start + _WORD * (1 + len(self._positions)))[start:].cast("q")
        if header[0] != epoch + 1:
            return
        offset = header[1 + self._positions[self._process]]
        if not offset:
            return
        memories = [segment.view(segment.size) for segment in (segment, *self._spills[process : process + 1])]
        tiers = [memory.cast("q") for memory in memories]
        while offset:
            words, at = tiers[offset & SPILLED], (offset & ~SPILLED) // _WORD
            place, size = words[at + _AT], words[at + _SIZE]
            start, memory = place & ~SPILLED, memories[place & SPILLED]
            yield Inbound(words[at + _SENDER], words[at + _RECEIVER], memory[start : start + size], owned=False)
            offset = words[at + _NEXT]


class SharedChannel(Channel):
    """A group's lanes and its barrier.

    Args:
        messages, collectives: the lanes.
        barrier: among the processes.
        close: gives the headers and words back.
    """

    def __init__(
        self, messages: SharedLane, collectives: SharedLane, barrier: Barrier, give_back: Callable[[], None]
    ) -> None:
        self.messages = self._messages = messages
        self.collectives = self._collectives = collectives
        self.barrier = barrier
        self._give_back = give_back

    def close(self) -> None:
        """Give the memory back to the heap."""
        self._messages.close()
        self._collectives.close()
        self.barrier.close()
        self._give_back()


class SharedTransport(Transport):
    """Between processes that hold the descriptors of each other's heaps.

    Args:
        placement: which peers live in which process.
        process: this process.
        heaps: the memory of each process's heap.
        check: raises what ended the job; runs every 50 ms in a waiting process.
        timeout: seconds to wait at a barrier, or None for as long as the others live.
        spill: where this process goes beyond its memory limit, or None without a limit.
        spills: the files of all processes, if there is a limit.
    """

    def __init__(
        self,
        placement: Placement,
        process: int,
        heaps: Sequence[Segment],
        check: Callable[[], None],
        timeout: float | None = None,
        spill: Spill | None = None,
        spills: Sequence[Segment] = (),
    ) -> None:
        self._process = process
        self._heaps = heaps
        self._spill = spill
        self._spills = spills
        self._heap = Heap(heaps[process])
        # First of all: the others look for its words where the heap begins.
        self.posts = SharedPosts(placement, process, self._heap, heaps)
        self._check = check
        self._timeout = timeout

    def offer(self, group: str, members: Members) -> Offer:
        """Allocate headers; the first process of the group also the words on which all meet."""
        sizes = self._sizes(members)
        offer = {}
        for name, size in sizes.items():
            offset = self._heap.allocate(size)
            self._heap.view(offset, size)[:] = bytes(size)
            offer[name] = offset
        return offer

    def open(self, group: str, members: Members, offers: Mapping[int, Offer]) -> Channel:
        """Return the group's lanes and its barrier."""
        common = self._process, members, self._heap, self._heaps
        headers = [{process: offers[process][name] for process in offers} for name in ("messages", "collectives")]
        messages = SharedLane(*common, headers[0], self._spill, self._spills)
        mine = offers[self._process]

        def give_back() -> None:
            for name, size in self._sizes(members).items():
                self._heap.free(mine[name], size)

        return SharedChannel(messages, SharedLane(*common, headers[1]), self._barrier(members, offers), give_back)

    def close(self) -> None:
        """The memory goes with the last process that holds it."""

    def _sizes(self, members: Members) -> dict[str, int]:
        processes = len(members.processes)
        header = SharedLane.header_size(processes)
        sizes = {"messages": header, "collectives": header}
        if processes > 1 and members.processes[0] == self._process:
            sizes["words"] = MeetingWords.size(processes)
        return sizes

    def _barrier(self, members: Members, offers: Mapping[int, Offer]) -> Barrier:
        root = members.processes[0]
        if len(members.processes) == 1:
            return LoneBarrier(self._check)
        words = MeetingWords(self._heaps[root], offers[root]["words"], len(members.processes), len(self._heaps))
        return WordsBarrier(words, members, self._process, self._check, self._timeout)
