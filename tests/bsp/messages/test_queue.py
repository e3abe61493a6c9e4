"""Typed queues: what is sent one by one and in arrays arrives as one array, ordered by (sender, sequence)."""

from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer
from horn.bsp.group import Group

EDGE = np.dtype([("vertex", "i8"), ("rank", "f4"), ("place", "f8", (2,))])


def numbers(sender: int, receiver: int, step: int) -> list[float]:
    """What a member sends another in a superstep, in order; sometimes nothing."""
    rng = np.random.default_rng([sender, receiver, step])
    return rng.integers(-50, 50, rng.integers(0, 9)).astype(float).tolist()


def edges(sender: int, receiver: int, step: int) -> list[tuple[int, float, tuple[float, float]]]:
    return [(int(n), n / 2, (n, -n)) for n in numbers(sender, receiver, step)]


def exchange(group: Group) -> list[Any]:
    plain, rows, empty = group.queue("float32"), group.queue(EDGE), group.queue("i2")
    found = []
    for step in range(4):
        for to in range(group.num_peers):
            for number, item in enumerate(numbers(group.index, to, step)):
                if number % 3 == 1:
                    plain.send_array(to, np.array([item]))
                else:
                    plain.send(to, item)
            for row in edges(group.index, to, step):
                rows.send(to, row)
            rows.send_array(to, np.array(edges(group.index, to, step), EDGE))
            group.send(to, (group.index, step))
        group.sync()
        assert group.messages() == [(sender, step) for sender in range(group.num_peers)], "apart from other messages"
        found.append((plain.received(), plain.senders, rows.received(), empty.received()))
    group.sync()
    assert len(plain.received()) == len(plain.senders) == 0, "gone after one superstep"
    return found


def on_world_and_halves(peer: Peer) -> tuple[Any, Any]:
    with peer.split(peer.index % 2) as half:
        inside = exchange(half)
    return exchange(peer), inside


def check(results: list[Any]) -> None:
    senders = range(len(results))
    for receiver, member in enumerate(results):
        for step, (plain, sent_by, rows, empty) in enumerate(member):
            sent = [(sender, item) for sender in senders for item in numbers(sender, receiver, step)]
            assert plain.dtype == np.float32
            assert plain.tolist() == [item for _, item in sent]
            assert sent_by.tolist() == [sender for sender, _ in sent]
            expected = [row for sender in senders for row in 2 * edges(sender, receiver, step)]
            np.testing.assert_array_equal(rows, np.array(expected, EDGE))
            assert empty.dtype == np.int16
            assert empty.shape == (0,)


def test_items_arrive_as_one_array_in_order(placement: dict[str, Any]) -> None:
    job = BSPJob(on_world_and_halves, **placement)
    job.run()
    check([world for world, _ in job.values])
    for color in {index % 2 for index in range(placement["peers"])}:
        check([half for _, half in job.values[color::2]])


def combine(peer: Peer) -> tuple[Any, Any, Any]:
    least = peer.queue([("vertex", "i8"), ("distance", "f8"), ("hops", "i4")], combine="min", key="vertex")
    total = peer.queue("i2", combine="sum")
    longest = peer.queue([("a", "i8"), ("b", "f4")], combine=np.maximum)
    for vertex, distance, hops in [(7, 3.0, 9), (2, 5.0, 1), (7, 1.0, 10), (2, 5.0, 0)]:
        least.send(0, (vertex, distance + peer.index, hops))
    least.send_array(1 % peer.num_peers, np.array([(1, 1.0, 1)], least.dtype))
    for number in range(5):
        total.send(0, number + peer.index)
        longest.send(0, (number, -number))
    peer.sync()
    return least.received().tolist(), total.received().tolist(), longest.received().tolist()


def test_a_combiner_joins_the_items_of_one_key_at_their_sender(placement: dict[str, Any]) -> None:
    job = BSPJob(combine, **placement)
    job.run()
    least, total, longest = job.values[0]
    senders = range(placement["peers"])
    extra = [(1, 1.0, 1)] if placement["peers"] == 1 else []
    assert least == extra + [row for i in senders for row in [(2, 5.0 + i, 0), (7, 1.0 + i, 9)]]
    assert total == [10 + 5 * i for i in senders]
    assert longest == [(4, 0.0) for _ in senders]


def compressed(peer: Peer) -> bool:
    """Long bundles travel compressed where the job says so."""
    queue = peer.queue("i8")
    queue.send_array(1 - peer.index, np.zeros(100_000, np.int64))
    peer.sync()
    return bool((queue.received() == np.zeros(100_000)).all())


def test_bundles_travel_compressed() -> None:
    assert BSPJob(compressed, 2, 2, compression="zlib").run()


def changed(peer: Peer) -> list[list[float]]:
    """What the sender does with its array, or the receiver with what it got, is their own affair."""
    queue, mine = peer.queue("f8"), np.zeros(2)
    for to in range(peer.num_peers):
        queue.send_array(to, mine)
    mine += 9
    peer.sync()
    got = queue.received()
    got += peer.index
    peer.allgather(None)
    return [got.tolist(), queue.received().tolist()]


@pytest.mark.parametrize("processes", [1, 2])
def test_items_belong_to_who_gets_them(processes: int) -> None:
    job = BSPJob(changed, 2, processes)
    job.run()
    assert job.values == [[[float(i)] * 4] * 2 for i in range(2)]


def mistakes(peer: Peer) -> list[str]:
    queue = peer.queue("i2")
    fields = peer.queue([("a", "i8")])
    calls: list[Any] = [
        lambda: queue.send(2, 1),
        lambda: queue.send(-1, 1),
        lambda: queue.send_array(3, np.zeros(1, "i2")),
        lambda: queue.send_array(0, np.zeros((2, 2), "i2")),
        lambda: queue.send_array(0, np.array([1.5])),
        lambda: queue.send_array(0, np.array([70_000])),
        lambda: fields.send_array(0, np.array([1])),
        lambda: peer.queue(object),
        lambda: peer.queue("nonsense"),
        lambda: peer.queue("f4", combine="median"),
        lambda: peer.queue([("a", "i8")], combine="sum", key="b"),
        lambda: peer.queue([("a", "i8")], key="a"),
    ]
    said = []
    for number, made in enumerate(calls):
        try:
            made()
            said.append(f"{number} was accepted")
        except BSPError as error:
            said.append(str(error))
    peer.sync()
    return said


def test_what_does_not_fit_is_refused_at_the_call() -> None:
    wanted = [
        "the receiver must be in [0, 2), got 2",
        "the receiver must be in [0, 2), got -1",
        "the receiver must be in [0, 2), got 3",
        "a 1-d array is needed, got shape (2, 2)",
        "values of int16 are needed, got float64",
        "values of int16 are needed, got some from 70000 to 70000",
        "an array of [('a', '<i8')] is needed, got int64",
        "a dtype of numbers, fixed-width strings or dates",
        "'nonsense' is no dtype",
        "combined by sum, min, max or a ufunc of two arguments, got 'median'",
        "must be a field of [('a', '<i8')], got 'b'",
        "must be a field of [('a', '<i8')], got 'a'",
    ]
    said = BSPJob(mistakes, 2, 1).run()
    assert [text for text, part in zip(said, wanted, strict=True) if part not in text] == []


def send_item(peer: Peer, dtype: Any, item: Any) -> None:
    queue = peer.queue(dtype)
    queue.send(0, 1 if queue.dtype.names is None else (1, 2))
    queue.send(0, item)
    peer.sync()


@pytest.mark.parametrize(
    ("dtype", "item", "said"),
    [
        ("i2", 1.5, "values of int16 are needed, got float64"),
        ("i2", 40_000, "values of int16 are needed, got some from 1 to 40000"),
        ("f4", "1.5", "values of float32 are needed, got <U"),
        ("f4", (1, 2), "values of float32 and shape"),
        ([("a", "i8"), ("b", "f4")], (1, 2, 3), "rows must be tuples of 2 values"),
        ([("a", "i8"), ("b", "f4")], 3, "rows must be tuples of 2 values"),
    ],
)
def test_an_item_that_does_not_fit_is_named_at_sync(dtype: Any, item: Any, said: str) -> None:
    with pytest.raises(BSPError, match=f"an item for member 0 does not fit into the queue: .*{said}"):
        BSPJob(send_item, 1, args=(dtype, item)).run()


def differ(peer: Peer) -> None:
    peer.queue("f4" if peer.index else "f8")


def test_queues_of_different_dtypes_are_an_error_that_names_them() -> None:
    with pytest.raises(BSPError, match=r"peer 0 came for queue\(float64\); peer 1 came for queue\(float32\)"):
        BSPJob(differ, 2, 2).run()
