"""One contract for all transports: the processes of a job in threads, each with its side of the transport."""

import gc
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from horn.bsp import TCP
from horn.bsp.barriers import SYNC, Arrival
from horn.bsp.encoding import Encoded
from horn.bsp.links.handshake import Identity
from horn.bsp.memory.segment import Segment
from horn.bsp.placement import Members, Placement
from horn.bsp.transport import Channel, Inbound, Lane, LocalTransport, Offer, SharedTransport, Transport
from horn.bsp.transport.tcp import TCPTransport

PATIENCE = 30


class Job:
    """The processes of a job, each in a thread; what they would publish is kept here."""

    def __init__(
        self, placement: Placement, make: Callable[[int], Transport], held: Callable[[], int] = lambda: 0
    ) -> None:
        self.placement = placement
        self.held = held  # bytes of memory that the transports hold
        self.world = Members.world(placement)
        self.transports = [make(process) for process in range(placement.processes)]

    def everywhere(self, act: Callable[[int], Any], processes: Any = None) -> list[Any]:
        """Act in all processes at once; return what each returned."""
        processes = range(self.placement.processes) if processes is None else processes
        with ThreadPoolExecutor(len(processes)) as pool:
            return [future.result(timeout=PATIENCE) for future in [pool.submit(act, p) for p in processes]]

    def offers(self, group: str, members: Members) -> dict[int, Offer]:
        return {process: self.transports[process].offer(group, members) for process in members.processes}

    def channels(self, group: str, members: Members) -> dict[int, Channel]:
        offers = self.offers(group, members)
        opened = self.everywhere(lambda p: self.transports[p].open(group, members, offers), members.processes)
        return dict(zip(members.processes, opened, strict=True))

    def close(self) -> None:
        self.everywhere(lambda process: self.transports[process].close())


def unexpected(error: Exception) -> None:
    raise AssertionError("a connection was lost") from error


def sockets(settings: TCP, placement: Placement) -> Job:
    def make(process: int) -> Transport:
        identity = Identity("job", 1, process, bytes(range(32)))
        return TCPTransport(identity, placement, settings, check=lambda: None, on_lost=unexpected)

    return Job(placement, make, allocated)


def allocated() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def shared(placement: Placement) -> Job:
    heaps = [Segment.create("heap", 1) for _ in range(placement.processes)]
    descriptors = [segment.fd for segment in heaps]

    def make(process: int) -> Transport:
        return SharedTransport(placement, process, [Segment(os.dup(fd)) for fd in descriptors], lambda: None)

    return Job(placement, make, lambda: sum(segment.size for segment in heaps))


def make_job(kind: str, placement: Placement, request: pytest.FixtureRequest) -> Job:
    if kind == "threads":
        return Job(Placement(placement.peers, 1), lambda _: LocalTransport(Placement(placement.peers, 1), lambda: None))
    if kind == "shared":
        return shared(placement)
    return sockets(TCP(tls=request.getfixturevalue("tls") if kind == "tls" else None), placement)


@pytest.fixture(params=["threads", "shared", "tcp", "tls"])
def job(request: pytest.FixtureRequest) -> Iterator[Job]:
    made = make_job(request.param, Placement(peers=5, processes=3), request)
    yield made
    made.close()


@pytest.fixture(params=["shared", "tcp", "tls"])
def apart(request: pytest.FixtureRequest) -> Iterator[Job]:
    """A job of several processes."""
    made = make_job(request.param, Placement(peers=5, processes=3), request)
    yield made
    made.close()


def read(inbound: list[Inbound]) -> list[tuple[int, int, Any]]:
    return [(message.sender, message.receiver, message.value()) for message in inbound]


def test_everything_arrives_once_in_order_in_its_epoch(job: Job) -> None:
    members = job.world
    channels = job.channels("world", members)

    def messages(epoch: int, sender: int, receiver: int) -> list[Any]:
        # Sizes on both sides of every threshold; no message in some epochs.
        count = (epoch + sender + receiver) % 4
        return [np.full((epoch * 4099 * (k + 1)) % 70_000, sender * 100 + k) for k in range(count)]

    def act(process: int) -> None:
        lane, barrier = channels[process].messages, channels[process].barrier
        for epoch in range(8):
            expected = []
            for other in members.processes:
                for receiver in members.of(other) if other != process else ():
                    for sender in members.of(process):
                        for value in messages(epoch, sender, receiver):
                            lane.send(epoch, (other,), sender, receiver, Encoded(value))
                for sender in members.of(other) if other != process else ():
                    expected += [(sender, to) for to in members.of(process) for _ in messages(epoch, sender, to)]
            lane.settle()
            barrier.wait(Arrival(SYNC))
            found = lane.receive(epoch)
            assert sorted((message.sender, message.receiver) for message in found) == sorted(expected)
            for sender, to in set(expected):
                got = [message.value() for message in found if (message.sender, message.receiver) == (sender, to)]
                for value, sent in zip(got, messages(epoch, sender, to), strict=True):
                    np.testing.assert_array_equal(value, sent)

    job.everywhere(act)


def test_epochs_in_which_nobody_sends_are_empty(job: Job) -> None:
    channels = job.channels("world", job.world)

    def act(process: int) -> None:
        channel = channels[process]
        for epoch in range(5):
            assert not channel.messages.sent(epoch)
            channel.messages.settle()
            channel.barrier.wait(Arrival(SYNC))
            assert channel.messages.receive(epoch) == []

    job.everywhere(act)


def test_whether_something_was_sent_is_known_until_the_next_epoch(apart: Job) -> None:
    channels = apart.channels("world", apart.world)

    def act(process: int) -> list[bool]:
        channel, sent = channels[process], []
        for epoch in range(3):
            if epoch == 1 and process == 2:
                channel.messages.send(epoch, (0,), 4, 0, Encoded("x"))
            sent.append(channel.messages.sent(epoch))
            channel.messages.settle()
            channel.barrier.wait(Arrival(SYNC))
            channel.messages.receive(epoch)
        return sent

    assert apart.everywhere(act) == [[False] * 3, [False] * 3, [False, True, False]]


def test_memory_may_be_filled_in_after_it_was_asked_for(apart: Job) -> None:
    channels = apart.channels("world", apart.world)
    first = {process: apart.world.of(process)[0] for process in apart.world.processes}

    def act(process: int) -> list[Any]:
        lane, barrier = channels[process].collectives, channels[process].barrier
        others = [other for other in apart.world.processes if other != process]
        encoded = Encoded(np.zeros(20_000))
        memory = lane.room(0, others, first[process], -1, encoded.size)
        lane.send(0, others, first[process], -1, Encoded("behind"))
        encoded.write(memory)
        np.frombuffer(memory, np.float64, 20_000, len(memory) - 160_000)[:] = process
        lane.settle()
        barrier.wait(Arrival(SYNC))
        found = [(message.sender, message.view()) for message in lane.receive(0)]
        return [(sender, value if isinstance(value, str) else set(value.tolist())) for sender, value in found]

    for process, found in enumerate(apart.everywhere(act)):
        others = [other for other in apart.world.processes if other != process]
        assert found == [(first[o], what) for o in others for what in ({float(o)}, "behind")]


def test_what_the_receiver_gets_is_its_own(apart: Job) -> None:
    channels = apart.channels("world", apart.world)
    sent = np.ones(100_000)

    def act(process: int) -> Any:
        channel = channels[process]
        if process == 0:
            channel.messages.send(0, (1, 2), 0, -1, Encoded(sent))
            sent[:] = 99
        channel.messages.settle()
        channel.barrier.wait(Arrival(SYNC))
        if process == 0:
            return None
        value = channel.messages.receive(0)[0].value()
        value += process
        channel.messages.settle()
        channel.barrier.wait(Arrival(SYNC))
        return value

    def act_all(process: int) -> Any:
        value = act(process)
        if process == 0:
            channels[0].messages.settle()
            channels[0].barrier.wait(Arrival(SYNC))
        return value

    _, one, two = apart.everywhere(act_all)
    assert set(one.tolist()) == {2.0}
    assert set(two.tolist()) == {3.0}


def test_groups_do_not_disturb_each_other(apart: Job) -> None:
    world = apart.world
    regions = {"left": Members(apart.placement, [0, 1, 2]), "right": Members(apart.placement, [2, 3, 4])}
    assert [regions[name].processes for name in regions] == [(0, 1), (1, 2)]
    everybody = {name: apart.channels(name, members) for name, members in {"world": world, **regions}.items()}
    rounds = {"left": 40, "right": 7}

    def run(name: str, process: int) -> None:
        members, channel = regions[name], everybody[name][process]
        (other,) = (p for p in members.processes if p != process)
        for epoch in range(rounds[name]):
            channel.messages.send(epoch, (other,), members.of(process)[0], -1, Encoded((name, epoch, process)))
            channel.messages.settle()
            channel.barrier.wait(Arrival(SYNC))
            assert [message.value() for message in channel.messages.receive(epoch)] == [(name, epoch, other)]

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, name, p) for name in regions for p in regions[name].processes]:
            done.result(timeout=PATIENCE)


def test_what_comes_for_a_group_before_it_is_opened_is_kept(apart: Job) -> None:
    members = apart.world
    apart.channels("world", members)
    offers = apart.offers("late", members)
    fast = apart.transports[0].open("late", members, offers)
    for k in range(20):
        fast.messages.send(0, (1, 2), 0, -1, Encoded(np.full(k * 1000, k)))
    opened = threading.Barrier(2)

    def act(process: int) -> Any:
        channel = fast
        if process:
            channel = apart.transports[process].open("late", members, offers)
            opened.wait(PATIENCE)
        channel.messages.settle()
        channel.barrier.wait(Arrival(SYNC))
        return [value.tolist() for _, _, value in read(channel.messages.receive(0))]

    expected = [[k] * (k * 1000) for k in range(20)]
    assert apart.everywhere(act) == [[], expected, expected]


def test_large_arrays_both_ways_at_once(apart: Job) -> None:
    channels = apart.channels("world", apart.world)

    def act(process: int) -> list[tuple[int, float]]:
        channel = channels[process]
        others = [other for other in apart.world.processes if other != process]
        channel.messages.send(0, others, apart.world.of(process)[0], -1, Encoded(np.full(6_250_000, process + 0.5)))
        channel.messages.settle()
        channel.barrier.wait(Arrival(SYNC))
        return [(v.size, v.sum()) for _, _, v in read(channel.messages.receive(0))]

    for process, found in enumerate(apart.everywhere(act)):
        assert found == [(6_250_000, 6_250_000 * (other + 0.5)) for other in range(3) if other != process]


def test_many_small_messages_from_many_threads(apart: Job) -> None:
    members = apart.world
    channels = apart.channels("world", members)
    count = 2000

    def send(lane: Lane, process: int, sender: int) -> None:
        others = [receiver for other in members.processes if other != process for receiver in members.of(other)]
        for k in range(count):
            receiver = others[k % len(others)]
            lane.send(0, (members.process_of(receiver),), sender, receiver, Encoded((sender, k)))

    def act(process: int) -> list[tuple[int, int, Any]]:
        lane = channels[process].messages
        threads = [threading.Thread(target=send, args=(lane, process, sender)) for sender in members.of(process)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        lane.settle()
        channels[process].barrier.wait(Arrival(SYNC))
        return read(lane.receive(0))

    found = [message for part in apart.everywhere(act) for message in part]
    assert len(found) == count * len(members)
    for sender in range(len(members)):
        sequence = {receiver: [k for _, to, (s, k) in found if s == sender and to == receiver] for receiver in range(5)}
        assert all(numbers == sorted(numbers) for numbers in sequence.values())
        assert sorted(k for numbers in sequence.values() for k in numbers) == list(range(count))


def test_a_slow_receiver_loses_nothing(apart: Job) -> None:
    channels = apart.channels("world", apart.world)
    read_first = threading.Event()

    def act(process: int) -> int:
        channel, total = channels[process], 0
        for epoch in range(6):
            if process != 2:
                channel.messages.send(epoch, (2,), apart.world.of(process)[0], 4, Encoded(np.ones(300_000)))
            channel.messages.settle()
            channel.barrier.wait(Arrival(SYNC))
            if process == 2:
                read_first.wait(0.02)  # the others are in the next epoch already
                total += sum(int(value.sum()) for _, _, value in read(channel.messages.receive(epoch)))
        return total

    assert apart.everywhere(act) == [0, 0, 6 * 2 * 300_000]


def test_a_closed_group_gives_back_what_it_held(apart: Job) -> None:
    apart.channels("world", apart.world)

    def once(turn: int) -> None:
        channels = apart.channels(f"region {turn}", apart.world)

        def act(process: int) -> None:
            channel = channels[process]
            others = [other for other in apart.world.processes if other != process]
            channel.messages.send(0, others, apart.world.of(process)[0], -1, Encoded(np.ones(100_000)))
            for epoch in range(2):
                channel.messages.settle()
                channel.barrier.wait(Arrival(SYNC))
                channel.messages.receive(epoch)

        apart.everywhere(act)
        for channel in channels.values():
            channel.close()

    tracemalloc.start()
    try:
        once(0)
        before = apart.held()
        for turn in range(1, 8):
            once(turn)
        assert apart.held() <= before + (1 << 18), "less than one group's arrays"
    finally:
        tracemalloc.stop()
