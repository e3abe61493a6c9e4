"""One contract for all coordinators: participants in threads, each with a view of its own."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from horn.bsp import BSPError, JobAborted, PeerLost, ZooKeeper
from horn.bsp.coordination import Coordinator, EmbeddedCoordinator
from horn.bsp.coordination.layout import JobLayout
from horn.bsp.coordination.record import JobRecord
from horn.bsp.coordination.session import Session
from horn.bsp.coordination.zookeeper import ZooKeeperCoordinator
from horn.bsp.memory.board import Board
from horn.bsp.memory.control import ControlBlock
from horn.bsp.memory.segment import Segment
from horn.bsp.placement import Placement

PLACEMENT = Placement(peers=6, processes=3)


class Job(ABC):
    """A job without a launcher: a maker of coordinators, and a look at what is left in the end."""

    @abstractmethod
    def coordinator(self, rank: int) -> Coordinator: ...

    @abstractmethod
    def leftovers(self) -> object: ...


class Embedded(Job):
    def __init__(self) -> None:
        self.board = Segment.create("board", Board.size(3))
        self.control = ControlBlock(Segment.create("test", ControlBlock.size(3)), 3)

    def coordinator(self, rank: int) -> Coordinator:
        return EmbeddedCoordinator(self.control, Board(self.board, 3, rank), PLACEMENT, rank)

    def leftovers(self) -> object:
        return self.control.pids()


class InZooKeeper(Job):
    def __init__(self, address: str) -> None:
        self.settings = ZooKeeper(address, session_timeout=1.0)
        self.layout = JobLayout(self.settings.chroot, f"contract-{os.urandom(4).hex()}")
        self.record = JobRecord(self.settings, self.layout, PLACEMENT, {})

    def coordinator(self, rank: int) -> Coordinator:
        return ZooKeeperCoordinator(self.settings, self.layout, PLACEMENT, rank)

    def leftovers(self) -> object:
        self.record.close()
        session = Session(self.settings)
        try:
            return session.children(self.layout.jobs)
        finally:
            session.close()


@pytest.fixture(params=["embedded", "zookeeper"])
def job(request: pytest.FixtureRequest) -> Iterator[Job]:
    made = Embedded() if request.param == "embedded" else InZooKeeper(request.getfixturevalue("zookeeper").address)
    yield made
    assert not made.leftovers()


def everywhere(job: Job, act: Callable[[int, Coordinator], Any]) -> list[Any]:
    """Join with all ranks, act, leave; return what each returned, or the engine's error that it met."""

    def run(rank: int) -> Any:
        coordinator = job.coordinator(rank)
        coordinator.join()
        try:
            return act(rank, coordinator)
        except BSPError as error:
            return error
        finally:
            coordinator.leave()

    with ThreadPoolExecutor(PLACEMENT.processes) as pool:
        return [future.result(timeout=30) for future in [pool.submit(run, r) for r in range(PLACEMENT.processes)]]


def test_members_see_each_other(job: Job) -> None:
    seen = threading.Barrier(PLACEMENT.processes, timeout=20)

    def act(rank: int, coordinator: Coordinator) -> Any:
        members = coordinator.members()
        seen.wait()
        return members

    for members in everywhere(job, act):
        assert {rank: member.peers for rank, member in members.items()} == {0: (0, 1), 1: (2, 3), 2: (4, 5)}
        assert {member.pid for member in members.values()} == {os.getpid()}


def test_what_is_published_is_seen_by_all(job: Job) -> None:
    def act(rank: int, coordinator: Coordinator) -> Any:
        coordinator.publish(f"address-{rank}", b"first")
        coordinator.publish(f"address-{rank}", bytes([rank]))
        found: dict[int, bytes] = {}
        while len(found) < PLACEMENT.processes:
            coordinator.check()
            seen = {other: coordinator.lookup(f"address-{other}") for other in range(PLACEMENT.processes)}
            found = {other: value for other, value in seen.items() if value is not None and value != b"first"}
        assert coordinator.lookup("nobody") is None
        return found

    for found in everywhere(job, act):
        assert found == {0: b"\0", 1: b"\1", 2: b"\2"}


@pytest.mark.parametrize(("key", "value"), [("a/b", b""), ("", b""), ("large", bytes(2**16 + 1))])
def test_what_cannot_be_published_is_refused(job: Job, key: str, value: bytes) -> None:
    def act(rank: int, coordinator: Coordinator) -> None:
        coordinator.publish(key, value)

    for error in everywhere(job, act):
        assert isinstance(error, BSPError)
        assert "a key consists of" in str(error) or "no room for 65537 bytes under 'large'" in str(error)


def until_it_ends(coordinator: Coordinator) -> None:
    while True:
        coordinator.check()
        threading.Event().wait(0.005)


def test_all_that_a_participant_publishes_shares_one_room(job: Job) -> None:
    def act(rank: int, coordinator: Coordinator) -> None:
        coordinator.publish(f"first-{rank}", bytes(2**15))
        coordinator.publish(f"first-{rank}", bytes(2**15))  # in place of what was there
        coordinator.publish(f"second-{rank}", bytes(2**15))

    for error in everywhere(job, act):
        assert isinstance(error, BSPError)
        assert "no room for 32768 bytes under 'second-" in str(error)


def test_abort_reaches_all_and_names_the_peers(job: Job) -> None:
    def act(rank: int, coordinator: Coordinator) -> None:
        if rank == 1:
            coordinator.abort("peer 2 has given up", [2])
        until_it_ends(coordinator)

    for error in everywhere(job, act):
        assert isinstance(error, JobAborted)
        assert "peer 2 has given up" in str(error)
        assert error.ranks == (2,)


def test_zookeeper_a_vanished_member_is_named_by_its_neighbour(zookeeper: Any) -> None:
    job = InZooKeeper(zookeeper.address)

    def act(rank: int, coordinator: Coordinator) -> None:
        if rank == 1:
            assert isinstance(coordinator, ZooKeeperCoordinator)
            vanish(coordinator)
        else:
            until_it_ends(coordinator)

    errors = everywhere(job, act)
    for rank in (0, 2):
        assert isinstance(errors[rank], PeerLost)
        assert errors[rank].ranks == (2, 3)
        assert "peers 2-3 (process 1) vanished from ZooKeeper" in str(errors[rank])
    assert not job.leftovers()


def vanish(coordinator: ZooKeeperCoordinator) -> None:
    """Lose the membership as an expired session does: without having signed off."""
    session, layout = coordinator._session, coordinator._layout
    session.delete(layout.member(1))
