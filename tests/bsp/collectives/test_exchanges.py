"""Broadcast, gather, allgather, scatter, alltoall: objects and arrays."""

from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPJob, Peer
from horn.bsp.group import Group


def value(sender: int, receiver: int = 0) -> Any:
    """Something that differs in type and size from peer to peer."""
    return [{"from": sender, "to": receiver}, (sender, None), "x" * 40 * sender][sender % 3]


def row(sender: int, receiver: int = 0) -> Any:
    return np.arange(60_000, dtype=np.float32).reshape(-1, 6) + 100 * sender + receiver


def exchange(group: Group) -> list[dict[str, Any]]:
    index, everyone = group.index, range(group.num_peers)
    found = []
    for root in everyone:
        me = index == root
        found.append(
            {
                "broadcast": group.broadcast(value(index), root),
                "gather": group.gather(value(index), root),
                "allgather": group.allgather(value(index)),
                "scatter": group.scatter([value(index, i) for i in everyone] if me else None, root),
                "alltoall": group.alltoall([value(index, i) for i in everyone]),
                "broadcast array": group.broadcast(row(index) if me else None, root, out=np.empty_like(row(0))),
                "gather array": group.gather(row(index), root, out=blank(group) if me else None),
                "allgather array": group.allgather(row(index), out=blank(group)),
                "scatter array": group.scatter(
                    np.stack([row(index, i) for i in everyone]) if me else None, root, out=np.empty_like(row(0))
                ),
                "alltoall array": group.alltoall(np.stack([row(index, i) for i in everyone]), out=blank(group)),
                "numbers": group.allgather(index * 1.5, out=np.empty(group.num_peers)),
            }
        )
    return found


def blank(group: Group) -> Any:
    return np.empty((group.num_peers, *row(0).shape), np.float32)


def on_world_and_halves(peer: Peer) -> tuple[Any, Any]:
    with peer.split(peer.index % 2) as half:
        inside = exchange(half)
    return exchange(peer), inside


def check(results: list[list[dict[str, Any]]]) -> None:
    everyone = range(len(results))
    for index, member in enumerate(results):
        for root, found in enumerate(member):
            assert found["broadcast"] == value(root)
            assert found["gather"] == ([value(i) for i in everyone] if index == root else None)
            assert found["allgather"] == [value(i) for i in everyone]
            assert found["scatter"] == value(root, index)
            assert found["alltoall"] == [value(i, index) for i in everyone]
            np.testing.assert_array_equal(found["broadcast array"], row(root))
            if index == root:
                np.testing.assert_array_equal(found["gather array"], [row(i) for i in everyone])
            else:
                assert found["gather array"] is None
            np.testing.assert_array_equal(found["allgather array"], [row(i) for i in everyone])
            np.testing.assert_array_equal(found["scatter array"], row(root, index))
            np.testing.assert_array_equal(found["alltoall array"], [row(i, index) for i in everyone])
            assert found["numbers"].tolist() == [i * 1.5 for i in everyone]


def test_everyone_gets_what_it_is_given(placement: dict[str, Any]) -> None:
    job = BSPJob(on_world_and_halves, **placement)
    job.run()
    peers = placement["peers"]
    check([world for world, _ in job.values])
    for color in {0, 1} if peers > 1 else {0}:
        check([job.values[rank][1] for rank in range(color, peers, 2)])


def change(peer: Peer) -> list[Any]:
    """What a member does with its own copy, or with what it gave, is its own affair."""
    mine = np.zeros(3)
    found = [peer.allgather(mine)[0], peer.broadcast(mine), peer.alltoall([mine] * peer.num_peers)[0]]
    mine += 9
    for array in found:
        array += peer.index
    peer.sync()
    return [array.tolist() for array in found]


@pytest.mark.parametrize("processes", [1, 3])
def test_what_is_given_belongs_to_who_gets_it(processes: int) -> None:
    job = BSPJob(change, 3, processes)
    job.run()
    assert job.values == [[[float(i)] * 3] * 3 for i in range(3)]
