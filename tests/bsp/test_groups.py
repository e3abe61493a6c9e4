"""Regions: what a peer can do, a group can do, asynchronously of other groups."""

from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer, PeerFailed
from horn.bsp.transport.shared import SharedTransport


def look_around(peer: Peer) -> list[Any]:
    with peer.split(peer.index % 2) as region:
        found: list[Any] = [region.index, region.num_peers, list(region.ranks)]
        region.send((region.index + 1) % region.num_peers, ("region", peer.index))
        peer.send((peer.index + 1) % peer.num_peers, ("world", peer.index))
        region.sync()
        found.append(region.messages())
        with region.split(0 if region.index == 0 else 5) as inner:
            found += [inner.index, list(inner.ranks), int(inner.allreduce(peer.index))]
        found += [int(region.allreduce(peer.index)), region.broadcast(peer.index, root=1), region.superstep]
    peer.sync()
    return [*found, peer.messages(), peer.superstep]


@pytest.mark.parametrize("processes", [1, 2, 3, 6])
def test_a_region_is_a_world_of_its_own(processes: int) -> None:
    job = BSPJob(look_around, 6, processes)
    job.run()
    for rank, found in enumerate(job.values):
        ranks = [rank % 2 + 2 * i for i in range(3)]
        index = ranks.index(rank)
        inner = ranks[:1] if index == 0 else ranks[1:]
        assert found == [
            index,
            3,
            ranks,
            [("region", ranks[index - 1])],
            inner.index(rank),
            inner,
            sum(inner),
            sum(ranks),
            ranks[1],
            1,
            [("world", (rank - 1) % 6)],
            1,
        ]


def run_apart(peer: Peer) -> int:
    """One region runs 50 supersteps while nobody of the other comes to any barrier of the job."""
    fast = peer.index < 2
    with peer.split(int(fast)) as region:
        if fast:
            for step in range(50):
                region.send(1 - region.index, step)
                region.sync()
                assert region.messages() == [step]
            peer.shared["done"][peer.index] = True
        else:
            while not peer.shared["done"].all():
                pass
            region.sync()
        return region.superstep


@pytest.mark.parametrize("processes", [2, 4])
def test_regions_run_asynchronously_of_each_other(processes: int) -> None:
    job = BSPJob(run_apart, 4, processes, shared={"done": np.zeros(2, bool)})
    job.run()
    assert job.values == [50, 50, 1, 1]


def split_often(peer: Peer, rounds: int) -> tuple[int, int]:
    def once(turn: int) -> None:
        with peer.split((peer.index + turn) % 2) as region:
            region.send(0, np.zeros(30_000))
            region.sync()
            assert len(region.messages()) == (region.num_peers if region.index == 0 else 0)
            assert region.allreduce(np.ones(10_000)).sum() == 10_000 * region.num_peers

    def size() -> int:
        transport = peer._home._transport
        assert isinstance(transport, SharedTransport)
        return transport._heap.segment.size

    for turn in range(10):
        once(turn)
    before = size()
    for turn in range(rounds):
        once(turn)
    return before, size()


def test_a_closed_region_gives_its_memory_back() -> None:
    job = BSPJob(split_often, 4, 2, args=(200,))
    job.run()
    for before, after in job.values:
        assert after == before


def keep_open(peer: Peer) -> Any:
    region = peer.split(peer.index)
    region.sync()
    return region.num_peers


def test_a_region_need_not_be_closed() -> None:
    job = BSPJob(keep_open, 3, 3)
    job.run()
    assert job.values == [1, 1, 1]


def split_by(peer: Peer, color: Any) -> None:
    peer.split(color)


def test_a_color_is_a_whole_number() -> None:
    with pytest.raises(BSPError, match="a color must be at least 0, got -1"):
        BSPJob(split_by, 2, args=(-1,)).run()
    with pytest.raises(PeerFailed, match=r"TypeError.*'str' object"):
        BSPJob(split_by, 2, args=("red",)).run()


def diverge(peer: Peer) -> None:
    with peer.split(0) as region:
        if region.index == 1:
            region.allreduce(1.0)
        else:
            region.sync()


@pytest.mark.parametrize("processes", [1, 3])
def test_members_that_do_different_things_are_told_so(processes: int) -> None:
    with pytest.raises(BSPError, match=r"peer 1 came for allreduce\(sum\) of float64 \(\)"):
        BSPJob(diverge, 3, processes).run()


def leave_early(peer: Peer) -> None:
    with peer.split(peer.index % 2) as half:
        if peer.index == 3:
            raise ValueError("no")
        half.sync()
        half.sync()


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_failure_ends_all_regions(processes: int) -> None:
    with pytest.raises(PeerFailed, match="ValueError: no") as caught:
        BSPJob(leave_early, 4, processes).run()
    assert caught.value.ranks == (3,)


def use_after_close(peer: Peer) -> list[str]:
    region = peer.split(0)
    queue, variable = region.queue("i8"), region.variable(peer.index)
    region.send(0, np.arange(1000.0))
    region.sync()
    region.close()
    peer.sync()
    with peer.split(0) as other:  # has the memory now that was the first one's
        other.send(0, np.ones(1000))
        other.sync()
    said = []
    for use in (
        region.sync,
        region.close,
        region.messages,
        lambda: list(region.stream()),
        lambda: region.send(0, 1),
        lambda: region.allreduce(1.0),
        lambda: region.broadcast(1),
        lambda: region.split(0),
        queue.received,
        lambda: variable.get(0),
        peer.close,
    ):
        try:
            use()
            said.append("nothing")
        except BSPError as error:
            said.append(str(error))
    peer.sync()
    return said


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (2, "shared"), (2, "tcp")])
def test_a_closed_region_is_no_use_any_more(processes: int, transport: str) -> None:
    job = BSPJob(use_after_close, 4, processes, transport=transport)
    job.run()
    for said in job.values:
        assert all("the group is closed" in text for text in said[:-1])
        assert "the group of all peers cannot be closed" in said[-1]


def return_early(peer: Peer) -> None:
    region = peer.split(0)
    if peer.index != 1:
        region.sync()


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (2, "shared"), (3, "tcp")])
def test_a_member_that_finishes_while_others_wait_in_a_region_is_named(processes: int, transport: str) -> None:
    with pytest.raises(
        BSPError, match="peer 1 came for the end of the program, while others wait in the region"
    ) as told:
        BSPJob(return_early, 3, processes, transport=transport).run()
    assert told.value.ranks == (1,)
