"""Processes that take part in a job by ZooKeeper alone: nobody watches them, and they tell what happens to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from types import TracebackType
from typing import Any, Self

from horn.bsp import ZooKeeper
from horn.bsp.coordination.layout import JobLayout
from horn.bsp.coordination.record import JobRecord
from horn.bsp.coordination.session import Session
from horn.bsp.placement import Placement

SCRIPT = """
import json, sys, threading
from horn.bsp import BSPError, ZooKeeper
from horn.bsp.barriers import SYNC, Arrival
from horn.bsp.coordination.layout import JobLayout
from horn.bsp.coordination.zookeeper import ZooKeeperCoordinator
from horn.bsp.placement import Members, Placement

address, timeout, job, attempt, processes, rank = sys.argv[1:]
placement = Placement(int(processes), int(processes))

def tell(**what):
    print(json.dumps(what), flush=True)

layout = JobLayout("", job, int(attempt))
coordinator = ZooKeeperCoordinator(ZooKeeper(address, float(timeout)), layout, placement, int(rank))
pause, generation = threading.Event(), 0
try:
    coordinator.join()
    barrier = coordinator.barrier("world", Members.world(placement))
    while True:
        barrier.wait(Arrival(SYNC))
        generation += 1
        tell(generation=generation)
        pause.wait(0.01)
except BSPError as error:
    tell(error=type(error).__name__, text=str(error), ranks=list(error.ranks), generation=generation)
try:
    coordinator.publish("late", b"too late")
    tell(published=True)
except BSPError as error:
    tell(published=False)
coordinator.leave()
"""


class Participant:
    """One process, and what it has told, with the time at which it came."""

    def __init__(self, settings: ZooKeeper, job: str, attempt: int, processes: int, rank: int) -> None:
        arguments = [settings.hosts, str(settings.session_timeout), job, str(attempt), str(processes), str(rank)]
        self.process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE)
        self.told: list[tuple[float, dict[str, Any]]] = []
        self._stirred = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._stirred:
                self.told.append((time.monotonic(), json.loads(line)))
                self._stirred.notify_all()

    def hear(self, key: str, seconds: float, after: float = 0.0) -> tuple[float, dict[str, Any]]:
        """Wait for something told under a key later than a moment; return when it came, and what."""

        def found() -> tuple[float, dict[str, Any]] | None:
            return next(((when, what) for when, what in self.told if key in what and when > after), None)

        with self._stirred:
            heard = self._stirred.wait_for(found, seconds)
        assert heard is not None, f"nothing of {key} within {seconds} s, but {self.told[-2:]}"
        return heard

    def signal(self, number: int) -> float:
        """Send a signal; return when."""
        os.kill(self.process.pid, number)
        return time.monotonic()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Party:
    """Participants of one job whose record the test keeps: a context manager. All meet again and again.

    Args:
        settings: the service.
        addresses: for ranks that reach it another way.
    """

    def __init__(self, settings: ZooKeeper, size: int = 3, addresses: dict[int, str] | None = None) -> None:
        self.job = f"party-{os.urandom(4).hex()}"
        self.settings = settings
        self.layout = JobLayout(settings.chroot, self.job)
        self.size = size
        self.all: list[Participant] = []
        self._placement = Placement(size, size)
        self.record = JobRecord(settings, self.layout, self._placement, {})
        self.ranks = self._start(1, addresses or {})

    def _start(self, attempt: int, addresses: dict[int, str]) -> list[Participant]:
        made = []
        for rank in range(self.size):
            told = ZooKeeper(addresses.get(rank, self.settings.hosts), self.settings.session_timeout)
            made.append(Participant(told, self.job, attempt, self.size, rank))
            self.all.append(made[-1])
        return made

    def restart(self, attempt: int) -> list[Participant]:
        """Begin another attempt with new processes; return them."""
        self.layout = self.record.begin(attempt, self._placement)
        return self._start(attempt, {})

    def owners(self) -> list[int]:
        """The sessions of the members."""
        with closing(Session(self.settings)) as look:
            stats = [look.stat(self.layout.member(rank)) for rank in range(self.size)]
        return [stat.ephemeralOwner for stat in stats if stat is not None]

    def __enter__(self) -> Self:
        for participant in self.ranks:
            participant.hear("generation", 30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for participant in self.all:
            participant.signal(signal.SIGCONT) if participant.process.poll() is None else None
            participant.end()
        self.record.close()
