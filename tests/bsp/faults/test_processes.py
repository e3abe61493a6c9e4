"""The fault plan's cases of processes: 1, 3, 10, 21, 26, 27. For each way of coordination where it applies."""

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.bsp import BarrierTimeout, BSPError, BSPJob, Peer, PeerFailed, PeerLost, ZooKeeper
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer, fail_points

WITHIN = 1.5  # a second, and what a loaded machine adds
WAYS = ["embedded", "sockets", "zookeeper"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """How the job is coordinated, as arguments of it; no znode is left."""
    if request.param != "zookeeper":
        request.getfixturevalue("nothing_left_behind")
        yield {} if request.param == "embedded" else {"transport": "tcp"}
        return
    server: ZooKeeperServer = request.getfixturevalue("zookeeper")
    request.getfixturevalue("nothing_left_behind")  # after the server, which stays
    yield {"zookeeper": ZooKeeper(server.address, 1.0, "process")}
    with closing(Session(ZooKeeper(server.address))) as session:
        assert session.children("/horn/jobs") == []


def march(peer: Peer, compute: bool) -> None:
    """Meet for ever, or until the second superstep; each tells when it was last seen."""
    while not compute or peer.superstep < 2:
        peer.shared["seen"][peer.index] = time.monotonic()
        peer.allreduce(1.0)
        peer.sync()
    if peer.index == 2:
        peer.shared["seen"][2] = time.monotonic()
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait(60)


def lose(job: BSPJob) -> PeerLost:
    """Run a job that loses a process, in time."""
    with pytest.raises(PeerLost) as caught:
        job.run()
    lost = caught.value
    assert time.monotonic() - job.shared["seen"][list(lost.ranks)].max() < WITHIN
    return lost


def test_1_a_process_killed_while_it_computes_is_named(way: dict[str, Any]) -> None:
    job = BSPJob(march, 4, 2, args=(True,), shared={"seen": np.zeros(4)}, **way)
    lost = lose(job)
    assert "peers 2-3 (process 1, pid" in str(lost)
    assert "was killed by SIGKILL" in str(lost)
    assert (lost.ranks, lost.exit_code) == ((2, 3), -signal.SIGKILL)


@pytest.mark.parametrize("point", ["barrier.arriving", "barrier.announced"])
@pytest.mark.parametrize("process", [0, 1])
def test_3_a_process_killed_inside_the_barrier_is_named(way: dict[str, Any], point: str, process: int) -> None:
    job = BSPJob(march, 4, 2, args=(False,), shared={"seen": np.zeros(4)}, **way)
    with fail_points(f"{point}@process={process},hit=20:kill"):
        lost = lose(job)
    assert lost.ranks == ((0, 1), (2, 3))[process]
    assert lost.exit_code == -signal.SIGKILL


def dawdle(peer: Peer, seconds: float) -> int:
    for _ in range(2):
        if peer.index == 2:
            threading.Event().wait(seconds)
        peer.sync()
    return peer.superstep


def test_10_a_straggler_is_reported_and_waited_for(way: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    # With a session of 1 s: slower than half of it, and than half of the limit of the barrier.
    assert BSPJob(dawdle, 3, 3, args=(1.2,), timeout=2.0, **way).run() == 2
    told = capfd.readouterr().err.splitlines()
    assert told, "who is slow is logged"
    for line in told:
        assert line.startswith("waiting at the barrier since 1.")
        assert line.endswith(" s for peer 2")


def receive_much(peer: Peer, size: int, kind: int, room: int) -> None:
    if peer.index == 1:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = room + (used if kind == resource.RLIMIT_AS else 0)
        resource.setrlimit(kind, (limit, limit))
    peer.sync()
    peer.send(1 - peer.index, np.ones(size, np.uint8))
    peer.sync()
    assert peer.messages()[0].sum(dtype=np.int64) == size


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (resource.RLIMIT_FSIZE, r"no space for .* MiB of shared memory \(File too large\)"),
        (resource.RLIMIT_AS, r"cannot be mapped \(Cannot allocate memory\)|no memory for a message|MemoryError"),
    ],
)
def test_21_a_limit_of_memory_is_a_clear_error(nothing_left_behind: None, kind: int, said: str) -> None:
    with pytest.raises(BSPError, match=said) as caught:
        BSPJob(receive_much, 2, 2, args=(60 << 20, kind, 40 << 20)).run()
    assert caught.value.ranks == (1,)


def segments(peer: Peer) -> list[str]:
    peer.send(1 - peer.index, np.ones(1 << 20))
    peer.sync()
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [link for link in links if "horn" in link or "shm" in link]


def test_21_shared_memory_is_none_of_dev_shm(nothing_left_behind: None) -> None:
    found = BSPJob(segments, 2, 2, shared={"x": np.zeros(1 << 20)}).run()
    assert len(found) >= 4
    assert all(link.startswith("/memfd:horn-") for link in found), "memory that no size of /dev/shm limits"


def jump(peer: Peer, seconds: float) -> float:
    """Let the clock jump; then meet, and at last come too late."""
    peer.sync()
    real = time.time
    peer.sync()
    time.time = lambda: real() + seconds
    for _ in range(20):
        threading.Event().wait(0.02)
        peer.sync()
    peer.shared["seen"][peer.index] = time.monotonic()
    if peer.index == 2:
        threading.Event().wait(30)
    peer.sync()
    return 0.0


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_26_no_timeout_depends_on_the_clock(way: dict[str, Any], seconds: float) -> None:
    job = BSPJob(jump, 3, 3, args=(seconds,), timeout=1.0, shared={"seen": np.zeros(3)}, **way)
    with pytest.raises(BarrierTimeout, match=r"peer 2 did not arrive at the barrier within 1\.0 s"):
        job.run()
    assert 0.9 < time.monotonic() - job.shared["seen"].max() < 1.0 + WITHIN


def end_badly(peer: Peer, how: str) -> Any:
    peer.sync()
    peer.shared["seen"][peer.index] = time.monotonic()
    if peer.index == 1:
        match how:
            case "raises":
                raise LookupError("not here")
            case "exits":
                os._exit(3)
            case "returns a generator":
                return (number for number in range(3))
    return float("nan")


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("raises", PeerFailed, "peer 1 raised LookupError: not here"),
        ("exits", PeerLost, r"peer 1 \(process 1, pid \d+\) exited with code 3 before its program returned"),
        ("returns a generator", BSPError, "what the program returned, a generator, cannot be sent to the caller"),
    ],
)
def test_27_a_bad_end_reaches_the_caller(way: dict[str, Any], how: str, kind: type[BSPError], said: str) -> None:
    job = BSPJob(end_badly, 3, 3, args=(how,), shared={"seen": np.zeros(3)}, **way)
    with pytest.raises(kind, match=said) as caught:
        job.run()
    assert time.monotonic() - job.shared["seen"].max() < WITHIN
    assert caught.value.ranks == (1,)
    if isinstance(caught.value, PeerFailed):
        assert 'raise LookupError("not here")' in caught.value.traceback


def test_27_not_a_number_is_a_value_like_any_other(way: dict[str, Any]) -> None:
    job = BSPJob(end_badly, 3, 3, args=("well",), shared={"seen": np.zeros(3)}, **way)
    assert np.isnan(job.run())
