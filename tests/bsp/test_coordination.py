"""One contract for all coordinators: participants in threads, each with a view of its own."""

import os
import random
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from horn.bsp import BarrierTimeout, BSPError, JobAborted, PeerLost, ZooKeeper
from horn.bsp.control import ControlBlock
from horn.bsp.coordination import Coordinator, EmbeddedCoordinator
from horn.bsp.coordination.layout import JobLayout
from horn.bsp.coordination.record import JobRecord
from horn.bsp.coordination.session import Session
from horn.bsp.coordination.zookeeper import ZooKeeperCoordinator
from horn.bsp.memory import Segment
from horn.bsp.placement import Placement

PLACEMENT = Placement(peers=6, processes=3)


class Job(ABC):
    """A job without a launcher: a maker of coordinators, and a look at what is left in the end."""

    @abstractmethod
    def coordinator(self, rank: int, timeout: float | None = None) -> Coordinator: ...

    @abstractmethod
    def leftovers(self) -> object: ...


class Embedded(Job):
    def __init__(self) -> None:
        self.control = ControlBlock(Segment.create("test", ControlBlock.size(3)), 3)

    def coordinator(self, rank: int, timeout: float | None = None) -> Coordinator:
        return EmbeddedCoordinator(self.control, PLACEMENT, rank, timeout=timeout)

    def leftovers(self) -> object:
        return self.control.pids()


class InZooKeeper(Job):
    def __init__(self, address: str) -> None:
        self.settings = ZooKeeper(address, session_timeout=1.0)
        self.layout = JobLayout(self.settings.chroot, f"contract-{os.urandom(4).hex()}")
        self.record = JobRecord(self.settings, self.layout, PLACEMENT, {})

    def coordinator(self, rank: int, timeout: float | None = None) -> Coordinator:
        return ZooKeeperCoordinator(self.settings, self.layout, PLACEMENT, rank, timeout=timeout)

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


def everywhere(job: Job, act: Callable[[int, Coordinator], Any], timeout: float | None = None) -> list[Any]:
    """Join with all ranks, act, leave; return what each returned, or the engine's error that it met."""

    def run(rank: int) -> Any:
        coordinator = job.coordinator(rank, timeout)
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
    def act(rank: int, coordinator: Coordinator) -> Any:
        coordinator.barrier()
        members = coordinator.members()
        coordinator.barrier()
        return members

    for members in everywhere(job, act):
        assert {rank: member.peers for rank, member in members.items()} == {0: (0, 1), 1: (2, 3), 2: (4, 5)}
        assert {member.pid for member in members.values()} == {os.getpid()}


def test_no_participant_is_ever_more_than_one_generation_ahead(job: Job) -> None:
    reached = [0, 0, 0]

    def act(rank: int, coordinator: Coordinator) -> int:
        pauses = random.Random(rank)
        spread = 0
        for generation in range(100):
            if pauses.random() < 0.05:
                threading.Event().wait(pauses.random() * 0.01)  # the others must wait for us
            reached[rank] = generation
            coordinator.barrier()
            assert min(reached) >= generation, "a barrier let someone through before all had come"
            spread = max(spread, max(reached) - generation)
        return spread

    assert all(spread in (0, 1) for spread in everywhere(job, act))


def test_abort_reaches_all_and_names_the_peers(job: Job) -> None:
    def act(rank: int, coordinator: Coordinator) -> None:
        coordinator.barrier()
        if rank == 1:
            coordinator.abort("peer 2 has given up", [2])
        coordinator.barrier()
        coordinator.barrier()

    for error in everywhere(job, act):
        assert isinstance(error, JobAborted)
        assert "peer 2 has given up" in str(error)
        assert error.ranks == (2,)


def test_a_barrier_with_a_time_limit_names_who_is_missing(job: Job) -> None:
    done = threading.Event()

    def act(rank: int, coordinator: Coordinator) -> None:
        try:
            if rank == 2:
                done.wait(20)
            else:
                coordinator.barrier()
        finally:
            done.set()

    errors = [error for error in everywhere(job, act, timeout=0.4) if error is not None]
    assert any(isinstance(error, BarrierTimeout) and error.ranks == (4, 5) for error in errors)


def test_zookeeper_a_vanished_member_is_named_by_its_neighbour(zookeeper: Any) -> None:
    job = InZooKeeper(zookeeper.address)

    def act(rank: int, coordinator: Coordinator) -> None:
        coordinator.barrier()
        if rank == 1:
            assert isinstance(coordinator, ZooKeeperCoordinator)
            vanish(coordinator)
        else:
            coordinator.barrier()

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
