"""Fail points: they fire in the process and at the time that they name, and nowhere else."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.bsp import BarrierTimeout, BSPError, BSPJob, Peer, PeerLost, ZooKeeper, failpoints
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer, fail_points

ENGINE = Path(failpoints.__file__).parent


def step(peer: Peer, steps: int) -> int:
    for done in range(1, steps + 1):
        peer.sync()
        peer.shared["done"][peer.index] = done
    return peer.index


def job(steps: int = 5, **options: Any) -> BSPJob:
    return BSPJob(step, 3, 3, args=(steps,), shared={"done": np.zeros(3, int)}, **options)


@pytest.mark.parametrize(("point", "hit"), [("barrier.arriving", 1), ("barrier.announced", 3)])
def test_the_process_that_is_named_is_killed_when_it_comes_by_so_often(point: str, hit: int) -> None:
    started = job()
    with fail_points(f"{point}@process=1,hit={hit}:kill"), pytest.raises(PeerLost) as caught:
        started.run()
    assert caught.value.ranks == (1,)
    assert caught.value.exit_code == -signal.SIGKILL
    assert started.shared["done"][1] == hit - 1


def test_without_conditions_every_process_fails() -> None:
    with fail_points("worker.joined:exit=3"), pytest.raises(PeerLost) as caught:
        job().run()
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("conditions", "fires"),
    [
        ("", [1, 2, 3]),
        ("@process=1", [1, 2, 3]),
        ("@process=7", []),
        ("@hit=2", [2]),
        ("@attempt=2,process=1,hit=3", [3]),
        ("@attempt=1,hit=3", []),
    ],
)
def test_a_point_fires_where_all_conditions_hold(conditions: str, fires: list[int]) -> None:
    fired = []
    with fail_points(f"worker.joined{conditions}:raise"):
        failpoints.arm(process=1, attempt=2)
        for hit in (1, 2, 3):
            failpoints.hit("worker.reporting")
            try:
                failpoints.hit("worker.joined")
            except BSPError:
                fired.append(hit)
    assert fired == fires


def test_a_stopped_process_is_missed_at_the_barrier() -> None:
    with fail_points("barrier.arriving@process=2,hit=2:stop"), pytest.raises(BarrierTimeout) as caught:
        job(timeout=0.5).run()
    assert caught.value.ranks == (2,)


def test_a_process_that_sleeps_holds_the_others_up() -> None:
    start = time.monotonic()
    with fail_points("barrier.announced@process=0,hit=2:sleep=0.4", "worker.joined@process=1:sleep=0.1"):
        assert job().run() == 0
    assert time.monotonic() - start >= 0.5


def reduce(peer: Peer) -> float:
    total = 0.0
    for _ in range(3):
        total += float(peer.allreduce(np.ones(10_000)).sum())
        peer.shared["done"][peer.index] += 1
    return total


def test_a_process_dies_in_the_middle_of_an_allreduce() -> None:
    started = BSPJob(reduce, 3, 3, shared={"done": np.zeros(3, int)})
    with fail_points("allreduce.reducing@process=1,hit=2:kill"), pytest.raises(PeerLost) as caught:
        started.run()
    assert caught.value.ranks == (1,)
    assert started.shared["done"].tolist() == [1, 1, 1], "no peer has got the result of the second"


def test_a_process_dies_before_it_reports() -> None:
    started = job()
    with fail_points("worker.reporting@process=1:kill"), pytest.raises(PeerLost) as caught:
        started.run()
    assert caught.value.ranks == (1,)
    assert started.shared["done"].tolist() == [5, 5, 5]
    assert started.values[1] is None


def test_a_point_that_raises_is_an_error_of_its_process() -> None:
    with (
        fail_points("barrier.arriving@process=2,hit=2:raise"),
        pytest.raises(BSPError, match=r"the fail point barrier\.arriving was hit") as caught,
    ):
        job().run()
    assert caught.value.ranks == (2,)


def test_the_launcher_dies_around_the_record_of_its_job(own_zookeeper: ZooKeeperServer) -> None:
    program = f"from horn.bsp import BSPJob; BSPJob(lambda peer: None, 1, zookeeper={own_zookeeper.address!r}).run()"
    for point in ("record.creating", "record.created", "record.removing"):
        with fail_points(f"{point}:kill"):
            done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL
    session = Session(ZooKeeper(own_zookeeper.address))
    deadline = time.monotonic() + 30
    while session.children("/horn/jobs"):
        assert time.monotonic() < deadline, "the znodes stay"
        time.sleep(0.02)
    session.close()


def test_nothing_stays_armed() -> None:
    before = dict(os.environ)
    with fail_points("record.creating:raise"):
        failpoints.arm()
        with fail_points(), pytest.raises(AssertionError):
            raise AssertionError
        assert os.environ[failpoints.VARIABLE] == "record.creating:raise"
        with pytest.raises(BSPError, match="was hit"):
            failpoints.hit("record.creating")
    failpoints.hit("record.creating")
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("barrier.announced", "is written name"),
        ("barrier.announced:explode", "got 'barrier.announced:explode'"),
        ("barrier.announced:exit", "exit=CODE"),
        ("barrier.announced:kill=9", "is written name"),
        ("barrier.announced@process:kill", "is written name"),
        ("barrier.announced@process=x:kill", "is written name"),
        ("barrier.announced@rank=1:kill", "conditions of a fail point are process, attempt, hit; got rank"),
        ("worker.joined:kill; barrier.left:kill", "there is no fail point barrier.left; there are worker.joined, "),
    ],
)
def test_a_mistake_is_said_before_anything_is_started(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BSPError, match=re.escape(said)), fail_points(text):
        pass
    monkeypatch.setenv(failpoints.VARIABLE, text)
    with pytest.raises(BSPError, match=re.escape(said)):
        job().run()


def test_the_points_of_the_engine_are_those_that_are_listed() -> None:
    found = {
        name
        for path in ENGINE.rglob("*.py")
        for name in re.findall(r"\bhit\(([^)]*)\)", path.read_text())
        if path.name != "failpoints.py" and name
    }
    assert found == {f'"{name}"' for name in failpoints.POINTS}
