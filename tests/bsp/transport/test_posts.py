"""One contract for the queues of all transports: processes in threads, each with its side of the queues."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import pytest

from horn.bsp import TCP
from horn.bsp.encoding import Encoded
from horn.bsp.links.handshake import Identity
from horn.bsp.memory.heap import Heap
from horn.bsp.memory.segment import Segment
from horn.bsp.placement import Members, Placement
from horn.bsp.transport import Posts
from horn.bsp.transport.base import POST_OVERHEAD
from horn.bsp.transport.inboxes import LocalPosts
from horn.bsp.transport.shared_posts import SharedPosts
from horn.bsp.transport.tcp import TCPTransport

PEERS = 5
LIMIT = 1 << 20
PATIENCE = 20.0


class Network(Protocol):
    """The queues of all processes of a job."""

    placement: Placement
    posts: list[Posts]

    def close(self) -> None: ...


class InOneProcess:
    def __init__(self) -> None:
        self.placement = Placement(PEERS, 1)
        self.posts: list[Posts] = [LocalPosts(range(PEERS), LIMIT)]

    def close(self) -> None:
        pass


class InSharedMemory:
    """Each process with descriptors and mappings of its own, as in a job."""

    def __init__(self, processes: int = 3) -> None:
        self.placement = Placement(PEERS, processes)
        first = [Segment.create("heap", 1) for _ in range(processes)]
        self.segments = [[Segment(os.dup(segment.fd)) for segment in first] for _ in range(processes)]
        for segment in first:
            segment.close()
        self.posts: list[Posts] = [
            SharedPosts(self.placement, process, Heap(mine[process]), mine, LIMIT)
            for process, mine in enumerate(self.segments)
        ]

    def close(self) -> None:
        for mine in self.segments:
            for segment in mine:
                segment.close()


class OverSockets:
    def __init__(self, processes: int = 3) -> None:
        self.placement = Placement(PEERS, processes)
        self.transports = [self.transport(process) for process in range(processes)]
        world = Members.world(self.placement)
        offers = {process: made.offer("world", world) for process, made in enumerate(self.transports)}
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(lambda made: made.open("world", world, offers), self.transports))
        self.posts: list[Posts] = [transport.posts for transport in self.transports]

    def transport(self, process: int) -> TCPTransport:
        identity = Identity("job", 1, process, bytes(32))
        return TCPTransport(identity, self.placement, TCP(), check=lambda: None, on_lost=print, post_limit=LIMIT)

    def close(self) -> None:
        with ThreadPoolExecutor(len(self.transports)) as pool:
            list(pool.map(lambda made: made.close(), self.transports))


NETWORKS: dict[str, Callable[[], Network]] = {
    "local": InOneProcess,
    "shared": InSharedMemory,
    "tcp": OverSockets,
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    made = NETWORKS[request.param]()
    yield made
    made.close()


def of(network: Network, peer: int) -> Posts:
    return network.posts[network.placement.process_of(peer)]


def post(network: Network, sender: int, receiver: int, value: object) -> None:
    """Post a value, and wait for room."""
    posts, deadline = of(network, sender), time.monotonic() + PATIENCE
    while not posts.try_post(sender, receiver, Encoded(value)):
        assert time.monotonic() < deadline
        posts.await_room(receiver, 0.05)


def collect(network: Network, receiver: int, count: int) -> list[tuple[int, object]]:
    """Wait until so many posts have been taken; return (sender, value)."""
    posts, deadline = of(network, receiver), time.monotonic() + PATIENCE
    found: list[tuple[int, object]] = []
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} posts came"
        posts.await_arrival(receiver, 0.05)
        found += [(inbound.sender, inbound.value()) for inbound in posts.take(receiver)]
    return found


def test_what_is_posted_arrives_once_and_then_is_gone(network: Network) -> None:
    for receiver in range(PEERS):
        post(network, 1, receiver, {"to": receiver, "x": np.arange(3.0)})
        post(network, 1, receiver, None)
    for receiver in range(PEERS):
        (sender, first), (_, second) = collect(network, receiver, 2)
        assert sender == 1
        assert isinstance(first, dict)
        assert first["to"] == receiver
        assert first["x"].tolist() == [0.0, 1.0, 2.0]
        first["x"][:] = 7  # its own
        assert second is None
        assert of(network, receiver).take(receiver) == []
        assert not of(network, receiver).await_arrival(receiver, 0)


def test_a_post_is_buffered_when_it_is_made(network: Network) -> None:
    mine = np.ones(1000)
    post(network, 0, 4, mine)
    mine[:] = 99
    ((_, value),) = collect(network, 4, 1)
    assert isinstance(value, np.ndarray)
    assert value.tolist() == [1.0] * 1000


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_posts_comes_in_order_for_each_pair_with_none_lost_or_doubled(network: Network, seed: int) -> None:
    each = 300
    choice = random.Random(seed)
    targets = {sender: [choice.randrange(PEERS) for _ in range(each)] for sender in range(PEERS)}
    sizes = {sender: [choice.choice((0, 1, 50, 3000, 60_000)) for _ in range(each)] for sender in range(PEERS)}
    expected = {
        receiver: {
            sender: [number for number in range(each) if targets[sender][number] == receiver] for sender in range(PEERS)
        }
        for receiver in range(PEERS)
    }

    def run(peer: int) -> dict[int, list[int]]:
        """Post and take in turn, as a program of one thread does; never wait for room without taking."""
        posts, found = of(network, peer), {sender: list[int]() for sender in range(PEERS)}
        wanted = sum(map(len, expected[peer].values()))
        deadline = time.monotonic() + PATIENCE

        def take() -> None:
            for inbound in posts.take(peer):
                sender, number, data = inbound.value()
                assert (sender, data.size) == (inbound.sender, sizes[sender][number])
                assert (data == number % 251).all()
                found[sender].append(number)

        for number, (receiver, size) in enumerate(zip(targets[peer], sizes[peer], strict=True)):
            while not posts.try_post(peer, receiver, Encoded((peer, number, np.full(size, number % 251, np.uint8)))):
                take()
                posts.await_room(receiver, 0.001)
                assert time.monotonic() < deadline
        while sum(map(len, found.values())) < wanted:
            posts.await_arrival(peer, 0.05)
            take()
            assert time.monotonic() < deadline
        return found

    with ThreadPoolExecutor(PEERS) as threads:
        results = list(threads.map(run, range(PEERS)))
    assert dict(enumerate(results)) == expected


def test_a_queue_takes_a_limited_number_of_bytes_and_one_post_of_any_size(network: Network) -> None:
    size = 100_000
    value = np.zeros(size, np.uint8)
    posts, receiver = of(network, 0), 4
    accepted = 0
    while posts.try_post(0, receiver, Encoded(value)):
        accepted += 1
    assert accepted == LIMIT // size + 1
    assert LIMIT <= posts.outstanding(receiver) < LIMIT + size + 1000
    assert posts.try_post(0, 3, Encoded(np.zeros(3 * LIMIT, np.uint8)))  # another queue, below its limit
    assert not posts.try_post(0, 3, Encoded(None))
    assert len(collect(network, receiver, accepted)) == accepted
    post(network, 0, receiver, None)
    deadline = time.monotonic() + PATIENCE
    while posts.outstanding(receiver) > 1000:  # what was taken is told by and by
        assert time.monotonic() < deadline
        posts.await_room(receiver, 0.01)


def test_empty_posts_fill_a_queue_as_well(network: Network) -> None:
    posts = of(network, 0)
    accepted = 0
    while posts.try_post(0, 4, Encoded(None)):
        accepted += 1
    assert accepted == -(-LIMIT // (POST_OVERHEAD + 1))
    assert len(collect(network, 4, accepted)) == accepted


def test_waiting_for_room_ends_when_the_receiver_takes(network: Network) -> None:
    posts = of(network, 0)
    while posts.try_post(0, 4, Encoded(bytes(LIMIT // 4))):
        pass
    began = threading.Event()

    def wait() -> bool:
        began.set()
        deadline = time.monotonic() + PATIENCE
        while not posts.try_post(0, 4, Encoded("more")):
            assert time.monotonic() < deadline
            posts.await_room(4, PATIENCE)
        return True

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        began.wait()
        found = collect(network, 4, 5)  # the last of which comes when some of the others have been taken
        assert waiting.result(PATIENCE)
    assert [value for _, value in found] == [bytes(LIMIT // 4)] * 4 + ["more"]


def test_waits_end_after_their_time(network: Network) -> None:
    posts = of(network, 0)
    start = time.monotonic()
    assert not posts.await_arrival(0, 0.02)
    while posts.try_post(0, 4, Encoded(bytes(LIMIT))):
        pass
    posts.await_room(4, 0.02)
    assert time.monotonic() - start < 5
    assert not posts.try_post(0, 4, Encoded(None))


def test_a_sleeping_receiver_is_woken(network: Network) -> None:
    rounds = 200

    def answer() -> None:
        for number in range(rounds):
            assert collect(network, 4, 1) == [(0, number)]
            post(network, 4, 0, number)

    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(answer)
        start = time.monotonic()
        for number in range(rounds):
            post(network, 0, 4, number)
            assert collect(network, 0, 1) == [(4, number)]
        answering.result(PATIENCE)
    # If each were found by its slice of 50 ms only, this would take 20 s.
    assert time.monotonic() - start < rounds * 0.05


def test_who_has_finished_is_known_to_all(network: Network) -> None:
    assert not any(posts.finished(peer) for posts in network.posts for peer in range(PEERS))
    for peer in (0, 3):
        of(network, peer).finish(peer)
    for posts in network.posts:
        assert [peer for peer in range(PEERS) if posts.finished(peer)] == [0, 3]


def test_memory_that_was_read_is_used_again() -> None:
    network = InSharedMemory()
    try:
        sizes = set()
        for number in range(400):
            post(network, 0, 4, np.zeros(20_000 + number, np.uint8))
            post(network, 0, 2, number)
            collect(network, 4, 1)
            collect(network, 2, 1)
            sizes.add(network.segments[0][0].size)
        assert max(sizes) < 200_000
    finally:
        network.close()


def test_a_slow_reader_bounds_the_writers_heap() -> None:
    network = InSharedMemory()
    try:
        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(lambda: [post(network, 0, 4, bytes(50_000)) for _ in range(200)])
            read = 0
            while read < 200:
                read += len(collect(network, 4, 1))
                assert network.segments[0][0].size < 3 * LIMIT
            writing.result(PATIENCE)
    finally:
        network.close()
