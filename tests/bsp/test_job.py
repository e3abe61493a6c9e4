"""A job from its start to its values: messages, supersteps, collectives, shared arrays, counters, progress."""

from typing import Any

import numpy as np
import pytest

from horn.bsp import BSP, BSPError, BSPJob, Peer
from horn.bsp.testing import ZooKeeperServer
from horn.bsp.transport import Inbound

SPREADS = [
    (1, 1, None),
    (2, 2, None),
    (3, 1, "threads"),
    (5, 2, None),
    (4, 4, "shared"),
    (2, 2, "tcp"),
    (5, 3, "tcp"),
]
TWO_PROCESSES = [(1, None), (2, None), (2, "tcp")]


def total_exchange(peer: Peer, rounds: int) -> list[list[Any]]:
    """Every peer sends every peer two messages per superstep; the sizes cross the arena's first size."""
    seen = []
    for step in range(rounds):
        for to in range(peer.num_peers):
            peer.send(to, (peer.index, step, 0))
            peer.send(to, {"from": peer.index, "data": np.full(7000 * step + 1, peer.index, np.float32)})
        assert peer.num_messages == (2 * peer.num_peers if step else 0)
        peer.sync()
        seen.append(
            [m if isinstance(m, tuple) else (m["from"], m["data"].size, m["data"].sum()) for m in peer.messages()]
        )
    return seen


@pytest.mark.parametrize(("peers", "processes", "transport"), SPREADS)
def test_messages_are_readable_in_the_next_superstep_in_order(
    peers: int, processes: int, transport: str | None
) -> None:
    job = BSPJob(total_exchange, peers=peers, processes=processes, transport=transport, args=(5,))
    job.run()
    for seen in job.values:
        for step, messages in enumerate(seen):
            size = 7000 * step + 1
            expected = [m for sender in range(peers) for m in ((sender, step, 0), (sender, size, sender * size))]
            assert messages == expected


def vanish(peer: Peer) -> list[int]:
    peer.send((peer.index + 1) % peer.num_peers, "once")
    counts = []
    for _ in range(4):
        peer.sync()
        counts.append(len(peer.messages()))
    return counts


def test_messages_are_gone_after_one_superstep_whether_read_or_not() -> None:
    job = BSPJob(vanish, peers=4, processes=2)
    job.run()
    assert job.values == [[1, 0, 0, 0]] * 4


def overwrite(peer: Peer) -> tuple[float, float]:
    mine = np.ones(10)
    peer.send(1 - peer.index, mine)
    mine[:] = 99
    peer.sync()
    got = peer.messages()[0]
    first = float(got.sum())
    got[:] = 7  # the receiver's own, writable
    peer.send(1 - peer.index, np.zeros(10))
    peer.sync()
    return first, float(got.sum())


@pytest.mark.parametrize(("processes", "transport"), TWO_PROCESSES)
def test_a_message_is_buffered_at_send_and_owned_by_its_receiver(processes: int, transport: str | None) -> None:
    job = BSPJob(overwrite, peers=2, processes=processes, transport=transport)
    job.run()
    assert job.values == [(10.0, 70.0)] * 2


def moved(peer: Peer) -> bool:
    array = np.ones(4)
    peer.send(1 - peer.index, array, move=True)
    peer.shared["address"][peer.index] = array.ctypes.data
    peer.sync()
    return bool(peer.messages()[0].ctypes.data == peer.shared["address"][1 - peer.index])


def test_a_moved_array_is_not_copied_inside_a_process() -> None:
    job = BSPJob(moved, peers=2, processes=1, shared={"address": np.zeros(2, np.int64)})
    job.run()
    assert job.values == [True, True]


def reductions(peer: Peer) -> dict[str, Any]:
    x = np.random.default_rng(peer.index).standard_normal((100, 33)).astype(np.float32)
    in_place = x.copy()
    peer.allreduce(in_place, out=in_place)
    return {
        "sum": peer.allreduce(x),
        "in place": in_place,
        "mean": peer.allreduce(x, "mean"),
        "max": peer.allreduce(x, "max"),
        "min": peer.allreduce(x, "min"),
        "number": peer.allreduce(peer.index + 1),
        "mean number": peer.allreduce(float(peer.index), "mean"),
        "tiny": peer.allreduce(np.array([peer.index])),
        "empty": peer.allreduce(np.empty((0, 3))),
        "large": peer.allreduce(np.full(100_000, peer.index + 0.5)),
    }


def tree(parts: list[Any]) -> Any:
    """The oracle: the binary tree over the peers, written down."""
    if len(parts) == 1:
        return parts[0]
    middle = 1
    while 2 * middle < len(parts):
        middle *= 2
    return tree(parts[:middle]) + tree(parts[middle:])


@pytest.mark.parametrize(("peers", "processes", "transport"), [*SPREADS, (7, 3, None)])
def test_allreduce_follows_one_tree_for_any_number_of_processes(
    peers: int, processes: int, transport: str | None
) -> None:
    job = BSPJob(reductions, peers=peers, processes=processes, transport=transport)
    job.run()
    parts = [np.random.default_rng(i).standard_normal((100, 33)).astype(np.float32) for i in range(peers)]
    for value in job.values:
        np.testing.assert_array_equal(value["sum"], tree(parts))
        np.testing.assert_array_equal(value["in place"], tree(parts))
        np.testing.assert_array_equal(value["mean"], tree(parts) / np.float32(peers))
        np.testing.assert_array_equal(value["max"], np.max(parts, axis=0))
        np.testing.assert_array_equal(value["min"], np.min(parts, axis=0))
        assert value["number"] == peers * (peers + 1) // 2
        assert value["mean number"] == (peers - 1) / 2
        assert value["tiny"].tolist() == [sum(range(peers))]
        assert value["empty"].shape == (0, 3)
        np.testing.assert_array_equal(value["large"], np.full(100_000, peers**2 / 2))


def mixed(peer: Peer) -> list[Any]:
    """Collectives of changing sizes, between messages, back to back."""
    seen: list[Any] = []
    for step in range(30):
        peer.send((peer.index + 1) % peer.num_peers, step)
        seen.append(peer.allreduce(np.full(1 + 997 * (step * 7 % 11), 1.0)).sum())
        seen.append(
            peer.broadcast({"step": step, "x": np.arange(step * 100)} if peer.index == step % 3 else None, step % 3)[
                "x"
            ].sum()
        )
        assert peer.superstep == step
        peer.sync()
        seen.append(peer.messages()[0])
    return seen


@pytest.mark.parametrize(("processes", "transport"), [*TWO_PROCESSES, (3, None), (3, "tcp")])
def test_collectives_end_no_superstep_and_do_not_disturb_each_other(processes: int, transport: str | None) -> None:
    job = BSPJob(mixed, peers=3, processes=processes, transport=transport)
    job.run()
    expected: list[Any] = []
    for step in range(30):
        expected += [3.0 * (1 + 997 * (step * 7 % 11)), np.arange(step * 100).sum(), step]
    assert job.values == [expected] * 3


def write_own_row(peer: Peer) -> float:
    peer.shared["x"][peer.index] = peer.index
    peer.sync()
    return float(peer.shared["x"].sum())


def test_shared_arrays_are_one_memory_for_peers_and_caller() -> None:
    given = np.full((4, 3), 9, np.float32)
    job = BSPJob(
        write_own_row, peers=4, processes=2, shared={"x": given, "flags": np.zeros(3, bool), "none": np.empty(0)}
    )
    assert job.run() == 18.0
    np.testing.assert_array_equal(job.shared["x"], np.repeat(np.arange(4.0), 3).reshape(4, 3))
    assert job.shared["none"].shape == (0,)
    assert given.sum() == 9 * 12, "copied in, not written back"


def draw(peer: Peer) -> float:
    peer.counters["draws"] += 1 + peer.index
    return float(peer.rng.random())


def test_random_numbers_and_counters() -> None:
    runs = []
    for processes, seed in ((1, 5), (2, 5), (2, 6)):
        job = BSPJob(draw, peers=3, processes=processes, seed=seed)
        job.run()
        assert job.counters == {"draws": 6}
        runs.append(job.values)
    assert runs[0] == runs[1]
    assert len({*runs[1], *runs[2]}) == 6


class Phases(BSP):
    """Records the order of its phases in an attribute: an instance for each peer."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def setup(self, peer: Peer) -> None:
        self.seen.append("setup")

    def bsp(self, peer: Peer, *args: Any, **kwargs: Any) -> list[str]:
        self.seen.append(f"bsp {args} {kwargs}")
        peer.sync()
        return self.seen

    def cleanup(self, peer: Peer) -> None:
        self.seen.append("cleanup")


@pytest.mark.parametrize("program", [Phases, Phases()])
def test_a_bsp_class_runs_its_phases_in_an_instance_per_peer(program: Any) -> None:
    job = BSPJob(program, peers=3, processes=1, args=(1,), kwargs={"k": 2})
    job.run()
    assert job.values == [["setup", "bsp (1,) {'k': 2}", "cleanup"]] * 3


def report(peer: Peer) -> None:
    for step in range(3):
        peer.progress({"peer": peer.index, "step": step})


def test_progress_of_peer_0_reaches_the_caller_in_order() -> None:
    seen: list[Any] = []
    BSPJob(report, peers=2, processes=2, on_progress=seen.append).run()
    assert seen == [{"peer": 0, "step": step} for step in range(3)]


def until_stopped(peer: Peer) -> int:
    while not peer.stopping:
        peer.progress(peer.superstep)
        peer.sync()
    return peer.superstep


@pytest.mark.parametrize(("processes", "transport"), [(1, None), (3, None), (3, "tcp")])
def test_stop_reaches_all_peers_in_the_same_superstep(processes: int, transport: str | None) -> None:
    job = BSPJob(
        until_stopped,
        peers=3,
        processes=processes,
        transport=transport,
        on_progress=lambda step: job.stop() if step > 10 else None,
    )
    assert job.run() > 10
    assert len(set(job.values)) == 1


def test_a_job_can_run_again() -> None:
    job = BSPJob(draw, peers=2, processes=2)
    assert job.run() == job.run()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"peers": 0}, "at least 1 peer, got peers=0"),
        ({"peers": 1, "compression": "rar"}, "compression must be one of zlib, lzma, or None, got 'rar'"),
        ({"peers": 2, "processes": 3}, r"processes must be in \[1, 2\] for 2 peers, got 3"),
        ({"peers": 1, "seed": -1}, "seed must be at least 0"),
        ({"peers": 1.5}, "peers must be a whole number, got 1.5"),
        ({"peers": 2, "processes": "2"}, "processes must be a whole number, got '2'"),
        ({"peers": 1, "timeout": -1.0}, "timeout must be a positive number of seconds, or None, got -1.0"),
        ({"peers": 1, "timeout": float("nan")}, "timeout must be a positive number .* got nan"),
        ({"peers": 1, "timeout": "3"}, "timeout must be a positive number .* got '3'"),
        ({"peers": 2, "processes": 2, "transport": "threads"}, "is for one process, this job has 2"),
        (
            {"peers": 1, "transport": "pigeons"},
            r'transport must be "threads", "shared", "tcp" or TCP\(...\), got .pigeons',
        ),
        (
            {"peers": 1, "barrier": "none"},
            'barrier must be "auto", "direct", "zookeeper" or a function of a Meeting, got .none',
        ),
        ({"peers": 1, "barrier": "zookeeper"}, 'barrier="zookeeper" needs zookeeper='),
        ({"peers": 1, "shared": {"x": [1]}}, r"shared\['x'\] must be an array .* got a list"),
        ({"peers": 1, "shared": {"x": np.array([None])}}, "got an array of dtype object"),
    ],
)
def test_senseless_arguments_are_refused_before_anything_starts(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BSPError, match=said):
        BSPJob(draw, **arguments)


def test_a_job_of_threads_has_one_process() -> None:
    assert BSPJob(lambda peer: peer.num_processes, 3, transport="threads").run() == 1


def test_numbers_of_numpy_are_numbers() -> None:
    numbers = {"peers": np.int64(1), "processes": np.int32(1), "seed": np.uint8(3), "timeout": np.float32(9)}
    assert BSPJob(lambda peer: peer.num_peers, **numbers).run() == 1


@pytest.mark.parametrize("program", [3, int])
def test_what_is_no_program_is_refused(program: Any) -> None:
    with pytest.raises(BSPError, match="a program is a function of the peer"):
        BSPJob(program, peers=1)


def test_a_program_that_cannot_travel_is_refused_with_a_cure(tmp_path: Any) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(BSPError, match="cannot be sent to other processes"):
        BSPJob(draw, peers=1, args=(iter(file.fileno, 3), (i for i in range(3)))).run()


def send_words(peer: Peer) -> list[Any]:
    peer.send(1 - peer.index, ["word " * 10_000, np.zeros(10_000), peer.index])
    peer.send(peer.index, "here")
    peer.sync()
    got = peer.messages()
    remote = peer._site.mailbox.received(peer.index)[1 - peer.index]
    assert isinstance(remote, Inbound)
    assert len(remote.memory) < 1000
    return got


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_messages_between_processes_can_travel_compressed(compression: str) -> None:
    job = BSPJob(send_words, 2, 2, compression=compression)
    job.run()
    for index, got in enumerate(job.values):
        words, zeros, sender = got[1 - index]
        assert got[index] == "here"
        assert (words, sender) == ("word " * 10_000, 1 - index)
        np.testing.assert_array_equal(zeros, np.zeros(10_000))


def publish_and_look(peer: Peer) -> Any:
    peer.publish(f"home-of-{peer.index}", {"process": peer.process, "mean": np.float32(peer.index)})
    peer.sync()
    assert peer.lookup("home-of-nobody") is None
    return [peer.lookup(f"home-of-{other}") for other in range(peer.num_peers)]


@pytest.mark.parametrize("coordinated", [False, True])
def test_peers_publish_and_look_up(coordinated: bool, zookeeper: ZooKeeperServer) -> None:
    job = BSPJob(publish_and_look, 3, 2, zookeeper=zookeeper.address if coordinated else None)
    job.run()
    assert job.values == [[{"process": p, "mean": i} for i, p in enumerate((0, 1, 1))]] * 3


def publish_nonsense(peer: Peer, key: str, value: Any) -> None:
    peer.publish(key, value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("a/b", 1, "a key consists of letters"), ("key", bytes(70_000), "no room for 70009 bytes under 'of-peers.key'")],
)
def test_what_cannot_be_published_is_refused(key: str, value: Any, said: str) -> None:
    with pytest.raises(BSPError, match=said):
        BSPJob(publish_nonsense, 1, args=(key, value)).run()
