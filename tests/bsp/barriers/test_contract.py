"""One contract for all barriers: processes of a group in threads, each with its side of the barrier."""

import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest

from horn.bsp import TCP, BarrierTimeout, BSPError, JobAborted, ZooKeeper
from horn.bsp.barriers import GETS, MESSAGES, STOP, SYNC, Arrival, Barrier, WordsBarrier, call
from horn.bsp.coordination.layout import JobLayout
from horn.bsp.coordination.record import JobRecord
from horn.bsp.coordination.zookeeper import ZooKeeperCoordinator
from horn.bsp.errors import format_ranks
from horn.bsp.links.handshake import Identity
from horn.bsp.memory.control import ControlBlock
from horn.bsp.memory.segment import Segment
from horn.bsp.memory.words import MeetingWords
from horn.bsp.placement import Members, Placement
from horn.bsp.transport.tcp import TCPTransport

PLACEMENT = Placement(peers=8, processes=4)


class Meeting(Protocol):
    """A maker of barriers for one group."""

    members: Members

    def barrier(self, process: int, timeout: float | None = None) -> Barrier: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class OnWords:
    def __init__(self, ranks: Sequence[int]) -> None:
        self.members = Members(PLACEMENT, ranks)
        self.control = ControlBlock(Segment.create("control", ControlBlock.size(4)), 4)
        self.segment = Segment.create("words", 64 + MeetingWords.size(4))

    def barrier(self, process: int, timeout: float | None = None) -> Barrier:
        words = MeetingWords(self.segment, 64, len(self.members.processes), 4)
        return WordsBarrier(words, self.members, process, self.control.check, timeout)

    def abort(self) -> None:
        self.control.abort(self.control.launcher, "enough of this", [7])

    def close(self) -> None:
        self.segment.close()


class InZooKeeper:
    def __init__(self, address: str, ranks: Sequence[int]) -> None:
        self.members = Members(PLACEMENT, ranks)
        settings = ZooKeeper(address, session_timeout=1.0)
        layout = JobLayout("", f"barrier-{os.urandom(4).hex()}")
        self.record = JobRecord(settings, layout, PLACEMENT, {})
        processes = range(PLACEMENT.processes)
        self.coordinators = [ZooKeeperCoordinator(settings, layout, PLACEMENT, process) for process in processes]
        with ThreadPoolExecutor(len(processes)) as pool:
            for joined in [pool.submit(coordinator.join) for coordinator in self.coordinators]:
                joined.result(timeout=30)

    def barrier(self, process: int, timeout: float | None = None) -> Barrier:
        return self.coordinators[process].barrier("group", self.members, timeout)

    def abort(self) -> None:
        self.coordinators[-1].abort("enough of this", [7])

    def close(self) -> None:
        for coordinator in self.coordinators:
            coordinator.leave()
        self.record.close()


class OverSockets:
    def __init__(self, ranks: Sequence[int]) -> None:
        self.members = Members(PLACEMENT, ranks)
        self.aborted = threading.Event()
        self.transports: dict[int, TCPTransport] = {}
        self.barriers: dict[int, Barrier] = {}

    def barrier(self, process: int, timeout: float | None = None) -> Barrier:
        if not self.barriers:
            self.connect(timeout)
        return self.barriers[process]

    def connect(self, timeout: float | None) -> None:
        for process in self.members.processes:
            identity = Identity("job", 1, process, bytes(32))
            self.transports[process] = TCPTransport(
                identity, PLACEMENT, TCP(), check=self.check, on_lost=print, timeout=timeout
            )
        offers = {process: made.offer("group", self.members) for process, made in self.transports.items()}
        with ThreadPoolExecutor(len(offers)) as pool:
            opened = pool.map(lambda process: self.transports[process].open("group", self.members, offers), offers)
            self.barriers = {process: channel.barrier for process, channel in zip(offers, opened, strict=True)}

    def check(self) -> None:
        if self.aborted.is_set():
            raise JobAborted("the job was aborted: enough of this", [7])

    def abort(self) -> None:
        self.aborted.set()

    def close(self) -> None:
        with ThreadPoolExecutor(len(self.transports)) as pool:
            list(pool.map(lambda transport: transport.close(), self.transports.values()))


KINDS = ("words", "sockets", "zookeeper")
WORLD, REGION = range(8), (2, 3, 4, 6, 7)


@pytest.fixture(params=[(kind, ranks) for kind in KINDS for ranks in (WORLD, REGION)], ids=str)
def meeting(request: pytest.FixtureRequest) -> Iterator[Meeting]:
    kind, ranks = request.param
    makers: dict[str, Callable[[], Meeting]] = {
        "words": lambda: OnWords(ranks),
        "sockets": lambda: OverSockets(ranks),
        "zookeeper": lambda: InZooKeeper(request.getfixturevalue("zookeeper").address, ranks),
    }
    made = makers[kind]()
    yield made
    made.close()


def everywhere(meeting: Meeting, act: Callable[[int, Barrier], Any], timeout: float | None = None) -> list[Any]:
    """Act in each process of the group; return what each returned, or the engine's error that it met."""

    def run(process: int, barrier: Barrier) -> Any:
        try:
            return act(process, barrier)
        except BSPError as error:
            return error

    barriers = {process: meeting.barrier(process, timeout) for process in meeting.members.processes}
    with ThreadPoolExecutor(len(barriers)) as pool:
        runs = [pool.submit(run, process, barrier) for process, barrier in barriers.items()]
        found = [one.result(timeout=30) for one in runs]
    for barrier in barriers.values():  # all have left the last generation
        barrier.close()
    return found


def test_no_process_is_ever_more_than_one_generation_ahead(meeting: Meeting) -> None:
    reached = dict.fromkeys(meeting.members.processes, 0)

    def act(process: int, barrier: Barrier) -> int:
        pauses = random.Random(process)
        spread = 0
        for generation in range(100):
            if pauses.random() < 0.05:
                threading.Event().wait(pauses.random() * 0.01)  # the others must wait for us
            reached[process] = generation
            barrier.wait(Arrival(SYNC))
            assert min(reached.values()) >= generation, "a barrier let someone through before all had come"
            spread = max(spread, max(reached.values()) - generation)
        return spread

    assert all(spread in (0, 1) for spread in everywhere(meeting, act))


def test_the_verdict_joins_all_flags_and_is_the_same_for_all(meeting: Meeting) -> None:
    brought = (0, MESSAGES, STOP, MESSAGES | GETS, 0, GETS)

    def act(process: int, barrier: Barrier) -> list[int]:
        return [barrier.wait(Arrival(SYNC, brought[(process + turn) % 6])).flags for turn in range(12)]

    for flags in everywhere(meeting, act):
        for turn, found in enumerate(flags):
            joined = 0
            for process in meeting.members.processes:
                joined |= brought[(process + turn) % 6]
            assert found == joined


def test_different_calls_are_told_to_all(meeting: Meeting) -> None:
    odd = meeting.members.processes[1]

    def act(process: int, barrier: Barrier) -> None:
        barrier.wait(Arrival(SYNC))
        barrier.wait(Arrival(call("allreduce(max) of float32 (3,)") if process == odd else SYNC))

    for error in everywhere(meeting, act):
        assert isinstance(error, BSPError)
        assert "different reasons" in str(error)
        assert "came for sync()" in str(error)
        assert f"{format_ranks(meeting.members.told(odd))} came for allreduce(max) of float32 (3,)" in str(error)


def test_an_abort_ends_all_waits(meeting: Meeting) -> None:
    late = meeting.members.processes[-1]

    def act(process: int, barrier: Barrier) -> None:
        barrier.wait(Arrival(SYNC))
        if process == late:
            meeting.abort()
        else:
            barrier.wait(Arrival(SYNC))

    errors = everywhere(meeting, act)[:-1]
    for error in errors:
        assert isinstance(error, JobAborted)
        assert "enough of this" in str(error)
        assert error.ranks == (7,)


def test_a_time_limit_names_who_is_missing(meeting: Meeting) -> None:
    late, done = meeting.members.processes[-1], threading.Event()

    def act(process: int, barrier: Barrier) -> None:
        barrier.wait(Arrival(SYNC))
        try:
            if process == late:
                done.wait(20)
            else:
                barrier.wait(Arrival(SYNC))
        finally:
            done.set()

    errors = [error for error in everywhere(meeting, act, timeout=0.4) if error is not None]
    assert any(
        isinstance(error, BarrierTimeout) and list(error.ranks) == meeting.members.told(late) for error in errors
    )
