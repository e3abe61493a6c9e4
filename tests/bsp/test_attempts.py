"""A job that loses a worker process starts over, as often as it may."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer, PeerFailed, PeerLost, ZooKeeper
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer, fail_points


def work(peer: Peer) -> Any:
    """Add to what all share, several times: an attempt that began in the middle would find too much."""
    for _ in range(3):
        peer.shared["total"][peer.index] += 1
        peer.counters["steps"] += 1
        peer.send((peer.index + 1) % peer.num_peers, peer.attempt)
        peer.sync()
        assert peer.messages() == [peer.attempt]
    return peer.attempt, peer.shared["total"].tolist()


def arrays() -> dict[str, Any]:
    return {"total": np.full(4, 10)}


def test_without_losses_there_is_one_attempt() -> None:
    job = BSPJob(work, 4, 2, shared=arrays(), max_restarts=3)
    assert job.run() == (1, [13] * 4)
    assert job.failures == []


@pytest.mark.parametrize("point", ["worker.joined", "barrier.announced", "worker.reporting"])
def test_an_attempt_after_a_loss_begins_like_the_first(point: str, caplog: pytest.LogCaptureFixture) -> None:
    job = BSPJob(work, 4, 2, shared=arrays(), max_restarts=1)
    with fail_points(f"{point}@process=1,attempt=1,hit=1:kill"):
        assert job.run() == (2, [13] * 4)
    assert job.values == [(2, [13] * 4)] * 4
    assert job.counters == {"steps": 12}
    (lost,) = job.failures
    assert lost.ranks == (2, 3)
    assert lost.exit_code == -9
    assert [record.getMessage() for record in caplog.records] == [
        f"job {job.name}: attempt 1 of at most 2 has ended: {lost}"
    ]


def test_the_number_of_restarts_is_limited() -> None:
    job = BSPJob(work, 4, 2, shared=arrays(), max_restarts=2)
    with (
        fail_points("barrier.arriving@process=0:exit=3"),
        pytest.raises(PeerLost, match="exited with code 3") as caught,
    ):
        job.run()
    assert [(lost.ranks, lost.exit_code) for lost in job.failures] == [((0, 1), 3)] * 2
    assert caught.value.__notes__ == ["This was attempt 3; the job's `failures` tell what ended those before."]


def test_each_run_has_its_own_failures() -> None:
    job = BSPJob(work, 4, 2, shared=arrays(), max_restarts=1)
    with fail_points("worker.joined@process=0,attempt=1:kill"):
        job.run()
    assert len(job.failures) == 1
    job.run()
    assert job.failures == []


def fail(peer: Peer) -> None:
    peer.shared["total"][0] += 1
    raise ValueError(peer.attempt)


def test_an_exception_of_the_program_is_final() -> None:
    job = BSPJob(fail, 1, shared=arrays(), max_restarts=5)
    with pytest.raises(PeerFailed, match="ValueError: 1"):
        job.run()
    assert job.shared["total"][0] == 11


def stop_or_die(peer: Peer) -> int:
    while not peer.stopping:
        peer.progress(peer.attempt)
        peer.sync()
        if peer.attempt == 1 and peer.index == 0 and peer.stopping:
            os._exit(1)
    return peer.attempt


def test_a_request_to_stop_outlives_an_attempt() -> None:
    job = BSPJob(stop_or_die, 2, 2, max_restarts=1, on_progress=lambda attempt: job.stop() if attempt == 1 else None)
    assert job.run() == 2


def test_open_files_do_not_add_up_over_attempts() -> None:
    job = BSPJob(work, 4, 2, shared=arrays(), max_restarts=3)
    job.run()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with fail_points("worker.joined@process=1:kill"), pytest.raises(PeerLost):
        job.run()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.mark.parametrize("value", [-1, 1.5])
def test_a_senseless_number_of_restarts_is_refused(value: Any) -> None:
    with pytest.raises(BSPError, match="max_restarts must be"):
        BSPJob(work, 1, max_restarts=value)


def show(peer: Peer) -> int:
    peer.progress(peer.attempt)
    while peer.attempt == 1 or not peer.stopping:
        peer.sync()
    return peer.attempt


@pytest.mark.parametrize("participants", ["host", "process"])
def test_attempts_in_zookeeper(zookeeper: ZooKeeperServer, participants: Any) -> None:
    session = Session(ZooKeeper(zookeeper.address, 1.0))
    root, seen = "/horn/jobs/attempts", []

    def look(attempt: int) -> None:
        if attempt == 2:
            seen.append((json.loads(session.get(f"{root}/attempt")), session.children(f"{root}/members")))
            job.stop()

    settings = ZooKeeper(zookeeper.address, 1.0, participants)
    job = BSPJob(show, 3, 3, zookeeper=settings, name="attempts", max_restarts=1, on_progress=look)
    with fail_points("barrier.announced@process=1,attempt=1,hit=5:kill"):
        assert job.run() == 2
    assert seen == [(2, ["2"])]
    assert session.children("/horn/jobs") == []
    session.close()
