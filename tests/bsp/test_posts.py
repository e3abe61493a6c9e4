"""Posts of a job: from any peer to any other, whatever groups they are in, outside of supersteps."""

import operator
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer, PeerFailed, Post, PostTimeout

SPREADS = [(1, 1, None), (3, 1, None), (5, 2, None), (5, 2, "tcp")]
WAYS = [(1, None), (2, None), (2, "tcp")]
on_all_ways = pytest.mark.parametrize(("processes", "transport"), WAYS)
ENOUGH = 60.0


def greet(peer: Peer) -> dict[int, list[Any]]:
    for to in range(peer.num_peers):
        for number in range(3):
            peer.post(to, {"number": number, "data": np.full(number * 1000, peer.index)})
    found: dict[int, list[Any]] = {sender: [] for sender in range(peer.num_peers)}
    while sum(map(len, found.values())) < 3 * peer.num_peers:
        assert peer.wait(ENOUGH)
        for sender, value in peer.inbox():
            assert (value["data"] == sender).all()
            found[sender].append((value["number"], value["data"].size))
    assert not peer.wait(0)
    assert peer.inbox() == []
    return found


@pytest.mark.parametrize(("peers", "processes", "transport"), SPREADS)
def test_every_peer_posts_to_every_peer_in_order(peers: int, processes: int, transport: str | None) -> None:
    job = BSPJob(greet, peers=peers, processes=processes, transport=transport)
    job.run()
    assert job.values == [{sender: [(0, 0), (1, 1000), (2, 2000)] for sender in range(peers)}] * peers
    assert "unread posts" not in job.counters


def storm(peer: Peer, each: int) -> list[dict[int, int]]:
    """Post `each` values to drawn peers; return how many were posted to and came from each, in their order."""
    counts, came = dict.fromkeys(range(peer.num_peers), 0), dict.fromkeys(range(peer.num_peers), 0)
    targets = peer.rng.integers(peer.num_peers, size=each).tolist()
    sizes = peer.rng.choice([0, 10, 2000, 20_000], size=each, p=[0.5, 0.3, 0.19, 0.01]).tolist()
    ended = 0

    def read() -> int:
        ends = 0
        for sender, value in peer.inbox():
            if value is None:
                ends += 1
                continue
            number, data = value
            assert number == came[sender]
            assert (data == number % 251).all()
            came[sender] += 1
        return ends

    for step, (to, size) in enumerate(zip(targets, sizes, strict=True)):
        peer.post(to, (counts[to], np.full(size, counts[to] % 251, np.uint8)), timeout=ENOUGH)
        counts[to] += 1
        if step % 7 == 0:
            ended += read()
    for to in range(peer.num_peers):
        peer.post(to, None)
    while ended < peer.num_peers:
        assert peer.wait(ENOUGH)
        ended += read()
    return [counts, came]


@pytest.mark.parametrize("transport", ["shared", "tcp"])
def test_a_storm_between_processes_of_several_peers_loses_and_doubles_nothing(transport: str) -> None:
    job = BSPJob(storm, peers=8, processes=4, transport=transport, args=(2500,), seed=5)
    job.run()
    for receiver, (_, came) in enumerate(job.values):
        assert came == {sender: job.values[sender][0][receiver] for sender in range(8)}


def post_while_regions_sync(peer: Peer) -> list[int]:
    """Region 0 makes 30 supersteps of its own for each post that region 1 answers; no barrier is shared."""
    with peer.split(peer.index % 2) as region:
        partner = peer.index + 1 if peer.index % 2 == 0 else peer.index - 1
        got = []
        for number in range(5):
            if peer.index % 2 == 0:
                for step in range(30):
                    region.send((region.index + 1) % region.num_peers, step)
                    region.sync()
                    assert region.messages() == [step]
                peer.post(partner, number)
                assert peer.wait(ENOUGH)
                got += [post.value for post in peer.inbox()]
            else:
                region.sync()
                assert peer.wait(ENOUGH)
                ((sender, value),) = peer.inbox()
                assert sender == partner
                peer.post(partner, value * 10)
    return got


def test_posts_cross_regions_that_run_asynchronously() -> None:
    job = BSPJob(post_while_regions_sync, peers=4, processes=2)
    job.run()
    assert job.values == [[0, 10, 20, 30, 40], [], [0, 10, 20, 30, 40], []]


def sync_without_reading(peer: Peer) -> tuple[int, list[Any], list[Post]]:
    if peer.index == 0:
        peer.post(1, "posted")
        peer.send(1, "sent")
    peer.sync()
    messages = peer.messages()
    peer.sync()
    return len(messages), messages, peer.inbox()


@pytest.mark.parametrize("processes", [1, 2])
def test_supersteps_and_posts_do_not_touch_each_other(processes: int) -> None:
    job = BSPJob(sync_without_reading, peers=2, processes=processes)
    job.run()
    assert job.values == [(0, [], []), (1, ["sent"], [Post(0, "posted")])]


def leave_unread(peer: Peer) -> None:
    peer.counters["mine"] += 1
    for number in range(peer.index):
        peer.post(0, number)


@on_all_ways
def test_posts_that_nobody_has_read_are_counted_at_the_end(processes: int, transport: str | None) -> None:
    job = BSPJob(leave_unread, peers=4, processes=processes, transport=transport)
    job.run()
    assert job.counters == {"unread posts": 6, "mine": 4}


def fill(peer: Peer, slow: bool) -> float:
    """Post much more than may be under way; peer 1 reads late, and then all or nothing."""
    value = np.zeros(1 << 20, np.uint8)
    if peer.index == 0:
        start = time.monotonic()
        for _ in range(64):
            peer.post(1, value, timeout=ENOUGH if slow else 0.1)
        peer.sync()
        return time.monotonic() - start
    read = 0
    while slow and read < 64:
        assert peer.wait(ENOUGH)
        read += len(peer.inbox())
    peer.sync()
    return 0


@on_all_ways
def test_a_post_waits_for_room(processes: int, transport: str | None) -> None:
    job = BSPJob(fill, peers=2, processes=processes, transport=transport, args=(True,))
    job.run()
    assert "unread posts" not in job.counters


@on_all_ways
def test_a_post_that_finds_no_room_in_time_names_the_receiver_and_what_lies_there(
    processes: int, transport: str | None
) -> None:
    with pytest.raises(PostTimeout, match=r"peer 1 left no room within 0.1 s .* 16\d{6} bytes") as told:
        BSPJob(fill, peers=2, processes=processes, transport=transport, args=(False,)).run()
    assert told.value.ranks == (1,)


def post_in_vain(peer: Peer, to: int) -> None:
    if peer.index == 0:
        while True:
            peer.post(to, bytes(1 << 20))


@pytest.mark.parametrize(("to", "told"), [
    (1, "peer 1 has finished its program and reads no posts any more"),
    (0, "peer 0 posts to itself faster than it reads"),
])  # fmt: skip
@on_all_ways
def test_a_full_queue_that_nobody_will_read_is_an_error(
    processes: int, transport: str | None, to: int, told: str
) -> None:
    with pytest.raises(BSPError, match=told) as error:
        BSPJob(post_in_vain, peers=2, processes=processes, transport=transport, args=(to,)).run()
    assert error.value.ranks == (to,)


def wait_for_nobody(peer: Peer) -> None:
    if peer.index == peer.num_peers - 1:
        assert not peer.wait(0.01)
        peer.wait()


@pytest.mark.parametrize(("peers", "processes", "transport"), [(1, 1, None), (3, 2, None), (3, 2, "tcp")])
def test_a_wait_for_peers_that_have_all_finished_is_an_error(peers: int, processes: int, transport: str | None) -> None:
    with pytest.raises(BSPError, match=rf"peer {peers - 1} waits for posts, but no other peer runs any more"):
        BSPJob(wait_for_nobody, peers=peers, processes=processes, transport=transport).run()


def misuse(peer: Peer) -> list[str]:
    calls: list[Callable[[], object]] = [
        lambda: peer.post(peer.num_peers, 1),
        lambda: peer.post(-1, 1),
        lambda: peer.post(operator.truediv(1, 2), 1),
        lambda: peer.post(0, object()),
        lambda: peer.post(0, 1, timeout=-1),
        lambda: peer.wait(float("nan")),
    ]
    told = []
    for refused in calls:
        with pytest.raises((BSPError, TypeError)) as caught:
            refused()
        told.append(str(caught.value))
    return told


def test_misuse_is_refused_at_the_call_and_harms_nothing() -> None:
    job = BSPJob(misuse, peers=2, processes=1)
    *_, negative, unknown = told = job.run()
    assert told[:2] == ["the receiver must be in [0, 2), got 2", "the receiver must be in [0, 2), got -1"]
    assert "integer" in told[2]
    assert told[3].startswith("a message cannot hold a builtins.object")
    assert negative == "a timeout must be a number of seconds of at least 0, or None, got -1"
    assert unknown == "a timeout must be a number of seconds of at least 0, or None, got nan"
    assert not job.counters


def fail_while_others_wait(peer: Peer, waiting: str) -> None:
    """Peer 0 fails when the others have said that they are about to wait."""
    if peer.index == 0:
        told = 0
        while told < peer.num_peers - 1:
            assert peer.wait(ENOUGH)
            told += len(peer.inbox())
        threading.Event().wait(0.1)  # let them fall asleep; the outcome is the same if they do not
        raise ValueError("enough of this")
    peer.post(0, "about to wait")
    while True:
        if waiting == "wait":
            peer.wait()
        else:
            peer.post(peer.index % (peer.num_peers - 1) + 1, bytes(1 << 20))


@pytest.mark.parametrize("waiting", ["wait", "post"])
@on_all_ways
def test_an_abort_wakes_those_who_wait(processes: int, transport: str | None, waiting: str) -> None:
    start = time.monotonic()
    with pytest.raises(PeerFailed, match="peer 0 raised ValueError: enough of this"):
        BSPJob(fail_while_others_wait, peers=3, processes=processes, transport=transport, args=(waiting,)).run()
    assert time.monotonic() - start < ENOUGH / 2


def work_until_stopped(peer: Peer) -> bool:
    peer.progress("begun")
    while not peer.stop_requested:
        peer.wait(0.01)
    return peer.stopping


def test_a_request_to_stop_is_seen_without_a_barrier() -> None:
    job = BSPJob(work_until_stopped, 3, 2, on_progress=lambda _: job.stop())
    job.run()
    assert job.values == [False] * 3  # what all see at once changes at barriers only
