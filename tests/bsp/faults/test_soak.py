"""The fault plan's case 28: many rounds of the barrier with random pauses; and nothing grows with the supersteps."""

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kazoo.exceptions import NoNodeError

from horn.bsp import BSPJob, Peer, ZooKeeper
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """Run a test with a few rounds, and in a soak with many."""
    marks = [pytest.mark.soak, pytest.mark.timeout(3600)]
    return pytest.mark.parametrize("rounds", [few, pytest.param(many, marks=marks)])


def soak(peer: Peer, rounds: int) -> int:
    """Publish the round, meet, look at the others: nobody may be behind, nobody more than one round ahead."""
    reached = peer.shared["reached"]
    for step in range(1, rounds + 1):
        if peer.rng.random() < 0.02:
            threading.Event().wait(peer.rng.random() * 0.002)
        reached[peer.index] = step
        peer.sync()
        assert reached.min() >= step
        assert reached.max() <= step + 1
    return peer.superstep


def run_soak(rounds: int, processes: int, **way: Any) -> None:
    job = BSPJob(soak, 16, processes, args=(rounds,), shared={"reached": np.zeros(16, np.int64)}, **way)
    job.run()
    assert job.values == [rounds] * 16


@few_and_many(200, 10_000)
@pytest.mark.parametrize(("processes", "way"), [(16, "shared"), (5, "shared"), (1, "threads"), (4, "tcp")])
def test_28_the_barrier_holds(rounds: int, processes: int, way: str) -> None:
    run_soak(rounds, processes, transport=way)


@few_and_many(100, 10_000)
def test_28_the_barrier_in_zookeeper_holds(zookeeper: ZooKeeperServer, rounds: int) -> None:
    run_soak(rounds, 4, zookeeper=ZooKeeper(zookeeper.address, participants="process"))


def endure(peer: Peer, rounds: int) -> list[dict[str, int]]:
    """Do a bit of everything in each superstep; return what this process holds after a third of them and at the end."""
    seen, posts = [], 0
    values = np.ones(1000)
    for step in range(rounds):
        peer.send((peer.index + 1) % peer.num_peers, values)
        peer.post((peer.index + 1) % peer.num_peers, step)
        peer.sync()
        assert peer.messages()[0].sum() == 1000
        assert peer.allreduce(values)[0] == peer.num_peers
        while (posts := posts + len(peer.inbox())) <= step:
            peer.wait()
        if step % 10 == 0:
            with peer.split(peer.index % 2) as half:
                half.sync()
        if step in (rounds // 3, rounds - 1):
            peer.progress(step)
            peer.sync()
            if peer.index % (peer.num_peers // peer.num_processes) == 0:  # one for each process: to look opens a file
                seen.append(held())
            peer.sync()
    return seen


def link(path: Path) -> str:
    """Return what a file of this process is, or nothing where it is closed already, as that of the look itself."""
    try:
        return str(path.readlink())
    except FileNotFoundError:
        return ""


def held() -> dict[str, int]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    links = {path: link(path) for path in Path("/proc/self/fd").iterdir()}
    # Without what ZooKeeper's client opens anew for each of its waits.
    paths = [path for path, found in links.items() if found and "eventpoll" not in found]
    return {
        "memory": int(status["RssAnon"].split()[0]) + int(status["RssShmem"].split()[0]),
        "threads": int(status["Threads"]),
        "files": len(paths),
        "shared": sum(path.stat().st_size for path in paths if "memfd" in links[path]),
    }


def check_growth(job: BSPJob) -> None:
    job.run()
    for before, after in filter(None, job.values):
        assert after["threads"] <= before["threads"]
        assert after["files"] <= before["files"]
        assert after["shared"] <= before["shared"]
        assert after["memory"] - before["memory"] < 3000, "KiB"


@few_and_many(300, 10_000)
@pytest.mark.parametrize(("processes", "way"), [(2, "shared"), (1, "threads"), (2, "tcp")])
def test_28_nothing_grows_with_the_supersteps(rounds: int, processes: int, way: str) -> None:
    check_growth(BSPJob(endure, 4, processes, args=(rounds,), transport=way))


@few_and_many(150, 10_000)
def test_28_no_znodes_grow_with_the_supersteps(zookeeper: ZooKeeperServer, rounds: int) -> None:
    counts: list[int] = []
    with closing(Session(ZooKeeper(zookeeper.address))) as session:

        def count(path: str) -> int:
            try:
                return 1 + sum(count(f"{path}/{child}") for child in session.children(path))
            except NoNodeError:  # barriers come and go while we look
                return 0

        settings = ZooKeeper(zookeeper.address, participants="process")
        check_growth(
            BSPJob(
                endure,
                4,
                2,
                args=(rounds,),
                zookeeper=settings,
                name="endures",
                on_progress=lambda _: counts.append(count("/horn/jobs/endures")),
            )
        )
        before, after = counts
        # A barrier that is just over may still be there.
        assert after <= before + 8
        assert session.children("/horn/jobs") == []
