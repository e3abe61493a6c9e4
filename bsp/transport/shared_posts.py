"""Posts between the processes of a host: a chain of records in the sender's heap for each peer, see `memory/queues.py`.

A post costs two copies: into the sender's heap, and out of it. The sender takes blocks back, at its next post to the
same peer, when the peer has counted them as taken.
"""

import threading
from collections import deque
from collections.abc import Sequence

from .. import failpoints
from ..encoding import Encoded
from ..errors import BSPError
from ..memory import futex
from ..memory.heap import LINE, Heap
from ..memory.queues import COUNTS, PostWords, link_record, read_record, write_record
from ..memory.segment import Segment
from ..memory.words import SPINS, SPINS_CROWDED
from ..placement import Placement, available_cores
from .base import POST_LIMIT, POST_OVERHEAD, Inbound, Posts


class _Outgoing:
    """The writer's side of the chain from this process to one peer; `mutex` guards it among this process's threads."""

    def __init__(self, heap: Heap) -> None:
        self.mutex = threading.Lock()
        self.outstanding = 0
        self.waiting = 0
        self._heap = heap
        self._blocks: deque[tuple[int, int]] = deque()
        self._taken = 0
        self._posted = 0
        self._last: int | None = None
        self._spent: int | None = None

    def append(self, words: PostWords, receiver: int, offset: int, size: int) -> None:
        """Append a written record, and make it known."""
        if self._last is None:
            words.set_first(receiver, offset)
        else:
            link_record(self._heap.view(self._last, LINE), offset)
        self._last = offset
        self._blocks.append((offset, size))
        self._posted = (self._posted + 1) % COUNTS
        failpoints.hit("post.written")
        words.post(receiver, self._posted)

    def reclaim(self, taken: int) -> None:
        """Free what has been taken, `taken` records in all, but for the line of the last: the next is linked to it."""
        while self._taken != taken:
            self._taken = (self._taken + 1) % COUNTS
            offset, size = self._blocks.popleft()
            self.outstanding -= size + POST_OVERHEAD
            self._heap.free(offset + LINE, size)
            if self._spent is not None:
                self._heap.free(self._spent, LINE)
            self._spent = offset


class _Incoming:
    """The reader's side of the chain from one process to a peer of this one; for the peer's thread."""

    def __init__(self, segment: Segment) -> None:
        self.taken = 0
        self._segment = segment
        self._at: int | None = None

    def next(self, words: PostWords, receiver: int) -> Inbound:
        """Copy the next record, of which the words have told."""
        self._at = offset = words.first(receiver) if self._at is None else read_record(self._view(self._at, LINE))[0]
        _, sender, size = read_record(self._view(offset, LINE))
        failpoints.hit("post.taking")
        return Inbound(sender, receiver, bytearray(self._view(offset + LINE, size)), owned=True)

    def _view(self, offset: int, size: int) -> memoryview:
        return self._segment.view(offset + size)[offset:]


class SharedPosts(Posts):
    """Between processes that hold the descriptors of each other's heaps.

    Args:
        placement: which peers live where.
        process: this process.
        heap: its heap, from which nothing has been allocated yet.
        heaps: the memory of all processes' heaps.
        limit: bytes that may be under way from this process to one peer.
    """

    def __init__(
        self, placement: Placement, process: int, heap: Heap, heaps: Sequence[Segment], limit: int = POST_LIMIT
    ) -> None:
        if heap.allocate(PostWords.size(placement, process)) != 0:
            raise BSPError("the words of the posts must lie where the heap begins: allocate them first")
        self._placement = placement
        self._process = process
        self._heap = heap
        self._heaps = heaps
        self._limit = limit
        self._mine = PostWords(heaps[process], placement, process)
        # Those of the others are looked at when they are needed: by then all have joined.
        self._words: dict[int, PostWords] = {process: self._mine}
        self._outgoing = [_Outgoing(heap) for _ in range(placement.peers)]
        self._incoming = {peer: [_Incoming(segment) for segment in heaps] for peer in placement.ranks(process)}
        self._spins = SPINS if placement.processes <= available_cores() else SPINS_CROWDED

    def try_post(self, sender: int, receiver: int, encoded: Encoded) -> bool:
        """Write a record, and link it to the chain."""
        queue = self._outgoing[receiver]
        cost = encoded.size + POST_OVERHEAD
        theirs = self._words_for(receiver)
        with queue.mutex:
            queue.reclaim(theirs.taken(receiver, self._process))
            if queue.outstanding >= self._limit:
                return False
            queue.outstanding += cost
        try:
            offset = self._heap.allocate(LINE + encoded.size)
        except BaseException:
            with queue.mutex:
                queue.outstanding -= cost
            raise
        encoded.write(write_record(self._heap.view(offset, LINE + encoded.size), sender, encoded.size))
        with queue.mutex:
            queue.append(self._mine, receiver, offset, encoded.size)
        theirs.ring(receiver)
        return True

    def outstanding(self, receiver: int) -> int:
        """Return the bytes in the chain."""
        return self._outgoing[receiver].outstanding

    def await_room(self, receiver: int, seconds: float) -> None:
        """Sleep on the count of what the peer has taken."""
        queue, theirs = self._outgoing[receiver], self._words_for(receiver)
        with queue.mutex:
            queue.waiting += 1
            self._mine.set_waiting(receiver, queue.waiting)
        futex.yield_processor()
        with queue.mutex:
            seen = theirs.taken(receiver, self._process)
            queue.reclaim(seen)
            full = queue.outstanding >= self._limit
        if full:
            theirs.await_taken(receiver, self._process, seen, seconds)
        with queue.mutex:
            queue.waiting -= 1
            self._mine.set_waiting(receiver, queue.waiting)

    def take(self, receiver: int) -> list[Inbound]:
        """Follow the chains to their present ends. A record's block is the sender's again as soon as it is copied."""
        found = []
        for process, queue in enumerate(self._incoming[receiver]):
            words = self._words_of(process)
            posted = words.posted(receiver)
            while queue.taken != posted:
                found.append(queue.next(words, receiver))
                queue.taken = (queue.taken + 1) % COUNTS
                self._mine.take(receiver, process, queue.taken)
                if words.waiting(receiver):
                    self._mine.wake_sender(receiver, process)
        return found

    def await_arrival(self, receiver: int, seconds: float) -> bool:
        """Offer the processor a few times, then sleep on the bell."""

        def arrived() -> bool:
            return any(
                self._words_of(process).posted(receiver) != queue.taken
                for process, queue in enumerate(self._incoming[receiver])
            )

        if arrived():
            return True
        if seconds <= 0:
            return False
        for _ in range(self._spins):
            futex.yield_processor()
            if arrived():
                return True
        self._mine.sleep(receiver, arrived, seconds)
        return arrived()

    def finish(self, peer: int) -> None:
        """Set a word; what is written is there."""
        self._mine.finish(peer)

    def finished(self, peer: int) -> bool:
        """Look at the word."""
        return self._words_for(peer).finished(peer)

    def _words_for(self, peer: int) -> PostWords:
        return self._words_of(self._placement.process_of(peer))

    def _words_of(self, process: int) -> PostWords:
        words = self._words.get(process)
        if words is None:
            words = self._words[process] = PostWords(self._heaps[process], self._placement, process)
        return words
