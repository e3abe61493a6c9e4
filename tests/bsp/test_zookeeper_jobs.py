"""Jobs that a real ZooKeeper coordinates: what is seen in it while they run, what is left after, and its loss."""

import json
import os
import signal
import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest
from kazoo.exceptions import NoNodeError

from horn.bsp import (
    BSPError,
    BSPJob,
    CoordinatorLost,
    LocalLauncher,
    Peer,
    PeerFailed,
    PeerLost,
    WorkerHandle,
    WorkerSpec,
    ZooKeeper,
)
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer

SESSION = 1.0
Participants = Literal["host", "process"]


class Znodes:
    """A look into the server."""

    def __init__(self, server: ZooKeeperServer) -> None:
        self.session = Session(ZooKeeper(server.address, SESSION))

    def tree(self, path: str) -> list[str]:
        try:
            below = [self.tree(f"{path}/{name}") for name in sorted(self.session.children(path))]
        except NoNodeError:  # barriers come and go while we look
            return []
        return [path, *(node for nodes in below for node in nodes)]

    def data(self, path: str) -> Any:
        return json.loads(self.session.get(path))


@pytest.fixture
def znodes(zookeeper: ZooKeeperServer) -> Any:
    found = Znodes(zookeeper)
    yield found
    assert found.tree("/horn/jobs")[1:] == []
    found.session.close()


def exchange(peer: Peer, rounds: int) -> float:
    for step in range(rounds):
        peer.send((peer.index + 1) % peer.num_peers, step)
        peer.sync()
        assert peer.messages() == [step]
    peer.progress(os.getpid())
    total = float(peer.allreduce(np.ones(1000)).sum())
    while not peer.stopping:
        peer.sync()
    return total


@pytest.mark.parametrize("participants", ["host", "process"])
def test_a_job_shows_in_zookeeper_while_it_runs_and_is_gone_after(
    zookeeper: ZooKeeperServer, znodes: Znodes, participants: Participants
) -> None:
    seen: list[str] = []
    told: list[Any] = []

    def look(pid: int) -> None:
        root = "/horn/jobs/seen"
        seen.extend(znodes.tree(root))
        told.extend(
            (znodes.data(f"{root}/members/1/0"), znodes.data(f"{root}/topology"), znodes.data(f"{root}/launcher"), pid)
        )
        job.stop()

    job = BSPJob(
        exchange,
        5,
        2,
        args=(20,),
        zookeeper=ZooKeeper(zookeeper.address, participants=participants),
        name="seen",
        on_progress=look,
    )
    assert job.run() == 5000.0
    root = "/horn/jobs/seen"
    group = "world" if participants == "process" else "join"
    for node in ("conf", "state", "topology", "attempt", "launcher", "members/1/0", "members/1/1", f"sync/1/{group}"):
        assert f"{root}/{node}" in seen
    steps = {path.split("/")[7] for path in seen if path.startswith(f"{root}/sync/1/world/")}
    assert len(steps) <= 4, "old generations are removed"
    member, topology, launcher, pid = told
    assert (member["pid"], member["peers"]) == (pid, [0, 1])
    assert topology == {"peers": 5, "processes": [[0, 1], [2, 4]]}
    assert launcher["pid"] == os.getpid()


def meet_in_regions(peer: Peer) -> list[int]:
    def let_look(where: int) -> None:
        peer.progress(where)
        while peer.index == 0 and peer.shared["looked"][0] < where:
            time.sleep(0.01)  # the others wait for us at the barrier

    with peer.split(peer.index % 2) as region:
        region.send(0, peer.index)
        region.sync()
        found = region.messages()
        let_look(1)
        region.sync()
    peer.sync()
    let_look(2)
    peer.sync()
    return found


def test_regions_meet_in_zookeeper_and_leave_nothing(zookeeper: ZooKeeperServer, znodes: Znodes) -> None:
    """Two regions, each with a peer in each of two processes."""
    seen: dict[int, list[str]] = {}

    def look(where: int) -> None:
        root = "/horn/jobs/regions"
        names = *znodes.session.children(f"{root}/sync/1"), *znodes.session.children(f"{root}/groups")
        seen[where] = sorted(name for name in names if name.startswith("world-"))
        job.shared["looked"][0] = where

    job = BSPJob(
        meet_in_regions,
        4,
        2,
        shared={"looked": np.zeros(1)},
        zookeeper=ZooKeeper(zookeeper.address, participants="process"),
        name="regions",
        on_progress=look,
    )
    job.run()
    assert job.values == [[0, 2], [1, 3], [], []]
    assert seen == {1: ["world-1.0", "world-1.0", "world-1.1", "world-1.1"], 2: []}


def fail(peer: Peer) -> None:
    peer.sync()
    if peer.index == 2:
        raise KeyError("lost it")
    peer.sync()


@pytest.mark.parametrize("participants", ["host", "process"])
def test_an_exception_ends_a_coordinated_job(
    zookeeper: ZooKeeperServer, znodes: Znodes, participants: Participants
) -> None:
    with pytest.raises(PeerFailed, match="peer 2 raised KeyError"):
        BSPJob(fail, 3, 3, zookeeper=ZooKeeper(zookeeper.address, participants=participants)).run()


class BlindLauncher(LocalLauncher):
    """Starts workers whose end it does not notice: what another host's launcher would see."""

    def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
        return [Unwatched(worker) for worker in super().start(spec, count)]


class Unwatched(WorkerHandle):
    def __init__(self, worker: WorkerHandle) -> None:
        self.worker, self.pid, self.ended = worker, worker.pid, False

    def fileno(self) -> int:
        return self.worker.fileno()

    def poll(self) -> int | None:
        return self.worker.poll() if self.ended else None

    def kill(self) -> None:
        self.ended = True
        self.worker.kill()

    def close(self) -> None:
        self.worker.close()


def wait_for_ever(peer: Peer) -> None:
    peer.progress(peer.broadcast(os.getpid(), root=2))
    while True:
        peer.sync()


@pytest.mark.parametrize("blind", [False, True])
def test_a_killed_worker_is_named(zookeeper: ZooKeeperServer, znodes: Znodes, blind: bool) -> None:
    killed_at = []

    def kill(pid: int) -> None:
        killed_at.append(time.monotonic())
        os.kill(pid, signal.SIGKILL)

    job = BSPJob(
        wait_for_ever,
        3,
        3,
        zookeeper=ZooKeeper(zookeeper.address, SESSION),
        on_progress=kill,
        launcher=BlindLauncher() if blind else None,
    )
    with pytest.raises(PeerLost, match="peer 2 ") as caught:
        job.run()
    assert time.monotonic() - killed_at[0] < (2 * SESSION + 0.5 if blind else 1.5)
    assert caught.value.ranks == (2,)
    assert ("vanished from ZooKeeper" if blind else "was killed by SIGKILL") in str(caught.value)


def test_a_stopped_worker_is_given_up(zookeeper: ZooKeeperServer, znodes: Znodes) -> None:
    stopped_at = []

    def stop(pid: int) -> None:
        stopped_at.append(time.monotonic())
        os.kill(pid, signal.SIGSTOP)

    job = BSPJob(wait_for_ever, 3, 3, zookeeper=ZooKeeper(zookeeper.address, SESSION), on_progress=stop)
    with pytest.raises(PeerLost, match=r"peer 2 \(process 2\) vanished from ZooKeeper"):
        job.run()
    assert time.monotonic() - stopped_at[0] < 2 * SESSION + 0.5


def tick(peer: Peer) -> int:
    while not peer.stopping:
        if peer.superstep % 20 == 0:
            peer.progress(peer.superstep)
        peer.sync()
    return peer.superstep


def test_a_short_absence_of_the_server_is_survived(own_zookeeper: ZooKeeperServer) -> None:
    marks: list[int] = []

    def interrupt(step: int) -> None:
        marks.append(step)
        if len(marks) == 2:
            own_zookeeper.stop()
            own_zookeeper.start()
        if len(marks) == 4:
            job.stop()

    job = BSPJob(
        tick,
        2,
        2,
        # A server on a loaded machine takes seconds to start.
        zookeeper=ZooKeeper(own_zookeeper.address, session_timeout=15.0, participants="process"),
        on_progress=interrupt,
    )
    assert job.run() > 60
    assert job.values[0] == job.values[1]


@pytest.mark.parametrize("participants", ["host", "process"])
@pytest.mark.parametrize("wiped", [False, True])
def test_the_loss_of_the_server_is_told_in_time(
    own_zookeeper: ZooKeeperServer, participants: Participants, wiped: bool
) -> None:
    lost_at: list[float] = []

    def lose(step: int) -> None:
        if not lost_at:
            own_zookeeper.stop()
            lost_at.append(time.monotonic())
            if wiped:
                own_zookeeper.wipe()
                own_zookeeper.start()

    job = BSPJob(
        tick,
        2,
        2,
        zookeeper=ZooKeeper(own_zookeeper.address, SESSION, participants),
        on_progress=lose,
    )
    with pytest.raises(CoordinatorLost):
        job.run()
    # The restart itself takes part of the time.
    assert time.monotonic() - lost_at[0] < 4 / 3 * SESSION + 1 + (2 if wiped else 0.5)


def test_what_a_killed_launcher_left_is_swept_by_the_next_job(zookeeper: ZooKeeperServer, znodes: Znodes) -> None:
    for node in ("", "/conf", "/state", "/members"):
        znodes.session.create(f"/horn/jobs/dead{node}", makepath=True)
    BSPJob(fail_not, 1, zookeeper=zookeeper.address).run()


def fail_not(peer: Peer) -> None:
    peer.sync()


def nest(peer: Peer) -> None:
    peer.progress(None)
    while not peer.stopping:
        peer.sync()


def test_a_second_job_of_the_same_name_is_refused(zookeeper: ZooKeeperServer, znodes: Znodes) -> None:
    def start_second(_: object) -> None:
        with pytest.raises(BSPError, match="a job named twice is running already"):
            BSPJob(fail_not, 1, zookeeper=zookeeper.address, name="twice").run()
        job.stop()

    job = BSPJob(nest, 2, 2, zookeeper=zookeeper.address, name="twice", on_progress=start_second)
    job.run()


def test_a_path_under_which_horn_lives_may_be_given(zookeeper: ZooKeeperServer, znodes: Znodes) -> None:
    BSPJob(fail_not, 2, 2, zookeeper=f"{zookeeper.address}/tenant/a").run()
    assert znodes.tree("/tenant/a/horn/jobs") == ["/tenant/a/horn/jobs"]


def test_an_unreachable_server_is_named_before_any_worker_starts() -> None:
    class NeverLauncher(LocalLauncher):
        def start(self, spec: WorkerSpec, count: int) -> Sequence[WorkerHandle]:
            raise AssertionError("a worker was started")

    start = time.monotonic()
    with pytest.raises(CoordinatorLost, match=r"ZooKeeper at 127\.0\.0\.1:9 cannot be reached"):
        BSPJob(fail_not, 1, zookeeper="127.0.0.1:9", launcher=NeverLauncher()).run()
    assert time.monotonic() - start < 10
