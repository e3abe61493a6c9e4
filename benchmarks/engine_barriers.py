"""Barriers: embedded, by ZooKeeper, direct over sockets; `multiprocessing.Barrier` beside."""

import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from engine_table import Effort, Row, Table

from horn.bsp import BSPJob, Peer, ZooKeeper
from horn.bsp.testing import ZooKeeperServer, zookeeper_missing

WARM_UP = 20


def median_of(action: Callable[[], object], rounds: int) -> float:
    """Return the median time of an action, in seconds."""
    times = []
    for _ in range(WARM_UP + rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:])


def time_sync(peer: Peer, rounds: int) -> float:
    """Measure one superstep without messages."""
    return median_of(peer.sync, rounds)


def hold_barrier(barrier: Any, rounds: int, results: Any) -> None:
    """Measure multiprocessing's barrier in one of its participants."""
    results.put(median_of(barrier.wait, rounds))


def time_multiprocessing(processes: int, rounds: int) -> float:
    """Measure `multiprocessing.Barrier`, as its middle participant sees it."""
    context = get_context("spawn")
    barrier, results = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=hold_barrier, args=(barrier, rounds, results)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    took: list[float] = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    return statistics.median(took)


def embedded(table: Table, effort: Effort) -> None:
    """Barriers on one host, in shared memory."""
    for processes, goal in {2: 15e-6, 4: 50e-6, 8: 100e-6, 20: 300e-6}.items():
        took = BSPJob(time_sync, processes, processes, args=(effort.rounds,)).run()
        other = time_multiprocessing(processes, min(effort.rounds, 500))
        table.add(Row(f"barrier, {processes} processes", took, goal=goal, rival="multiprocessing", other=other))
    table.add(Row("barrier, 20 peers in 2 processes", BSPJob(time_sync, 20, 2, args=(effort.rounds,)).run()))


def zookeeper(table: Table, effort: Effort) -> None:
    """ZooKeeper's generation barrier, every process taking part; and what it costs with one participant per host."""
    missing = zookeeper_missing()
    if missing:
        table.skip("ZooKeeper's barrier", missing)
        return
    with ZooKeeperServer() as server:
        every = ZooKeeper(server.address, participants="process")
        for processes, goal in {2: 4e-3, 8: 11e-3, 16: 20e-3}.items():
            rounds = min(effort.rounds, 200)
            took = BSPJob(time_sync, processes, processes, args=(rounds,), zookeeper=every).run()
            table.add(Row(f"ZooKeeper barrier, {processes} participants", took, goal=goal))
        took = BSPJob(time_sync, 2, 2, args=(effort.rounds,), zookeeper=server.address).run()
        table.add(Row("barrier with zookeeper=, one host, 2 processes", took))


def direct(table: Table, effort: Effort) -> None:
    """The barrier over the transport that carries the messages: sockets."""
    for processes in (2, 4, 8):
        took = BSPJob(time_sync, processes, processes, args=(effort.rounds,), transport="tcp").run()
        table.add(Row(f"direct barrier over sockets, {processes} processes", took))
