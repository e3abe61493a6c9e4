"""A real ZooKeeper, alone or as an ensemble, a network that can be made to fail, and a look at what tests leave."""

import contextlib
import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from multiprocess import resource_tracker

from horn.bsp.running.forking import servers
from horn.bsp.testing import TCPProxy, ZooKeeperEnsemble, ZooKeeperServer, must_have_zookeeper, zookeeper_missing

# Peers, processes, transport: alone, threads only, a thread for each process, both, and over sockets.
PLACEMENTS = [(1, 1, "threads"), (3, 1, "threads"), (2, 2, "shared"), (5, 2, "shared"), (5, 3, "tcp")]


@pytest.fixture(params=PLACEMENTS, ids=lambda placement: "-".join(map(str, placement)))
def placement(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Arguments of a job: where its peers live and how they reach each other."""
    return dict(zip(("peers", "processes", "transport"), request.param, strict=True))


def _skip_without_zookeeper() -> None:
    missing = zookeeper_missing()
    if missing and not must_have_zookeeper():
        pytest.skip(missing)


@pytest.fixture(scope="session")
def zookeeper() -> Iterator[ZooKeeperServer]:
    """A server that the tests share: leave it as it was."""
    _skip_without_zookeeper()
    with ZooKeeperServer() as server:
        yield server


@pytest.fixture
def own_zookeeper() -> Iterator[ZooKeeperServer]:
    """A server that the test may stop and wipe."""
    _skip_without_zookeeper()
    with ZooKeeperServer() as server:
        yield server


@pytest.fixture(scope="session")
def shared_ensemble() -> Iterator[ZooKeeperEnsemble]:
    """Three servers, started once."""
    _skip_without_zookeeper()
    with ZooKeeperEnsemble() as servers:
        yield servers


@pytest.fixture
def ensemble(shared_ensemble: ZooKeeperEnsemble) -> Iterator[ZooKeeperEnsemble]:
    """Three servers that the test may kill: they all serve when it begins. Their znodes it leaves as they were."""
    shared_ensemble.restore()
    yield shared_ensemble
    shared_ensemble.restore()


@pytest.fixture
def proxy() -> Iterator[Callable[[str], TCPProxy]]:
    """Makes proxies: given "host:port", one that forwards there and is closed after the test."""
    with contextlib.ExitStack() as proxies:

        def to(address: str) -> TCPProxy:
            host, port = address.rsplit(":", 1)
            return proxies.enter_context(TCPProxy(host, int(port)))

        yield to


def family() -> set[int]:
    """Return the present children of this process, zombies included, and those of what workers are forked from."""
    standing = set(servers())
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) in {os.getpid(), *standing}:
                found.add(int(stat.parent.name))
    return found - standing


def descriptors() -> int:
    """Return how many files this process has open; a server's socket counts nothing."""
    return len(list(Path("/proc/self/fd").iterdir())) - len(servers())


def in_shared_memory() -> set[str]:
    """Return what lies in /dev/shm, but for semaphores: Horn has none, other programs on the machine may."""
    return {path.name for path in Path("/dev/shm").iterdir() if not path.name.startswith("sem.")}


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """The test leaves no process, no open file, no thread, and nothing in /dev/shm."""
    resource_tracker.ensure_running()  # Python's own, which a job may start and which ends with the session
    before = family()
    files, fds, threads = in_shared_memory(), descriptors(), threading.active_count()
    yield
    gc.collect()  # a traceback may still hold the job
    assert in_shared_memory() <= files
    assert descriptors() <= fds
    assert threading.active_count() <= threads
    assert family() <= before
