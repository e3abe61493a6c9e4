"""How fast the engine is: barriers, an allreduce beside PyTorch's gloo, ZooKeeper's barrier.

    python benchmarks/engine.py [--rounds N] [--json FILE]

Horn and gloo take turns, so that the machine's mood hits both; what is printed are medians over all turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from horn.bsp import BSPJob, Peer, ZooKeeper
from horn.bsp.testing import ZooKeeperServer, zookeeper_missing

FLOATS = 675_000  # 2.7 MB of float32: the update of a 784-512-512-10 network
TURNS = 5
WARM_UP = 20


def median_of(action: Any, rounds: int) -> float:
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


def time_allreduce(peer: Peer, rounds: int) -> float:
    """Measure one allreduce of 2.7 MB, in place as a training step does it."""
    update = np.zeros(FLOATS, np.float32)
    return median_of(lambda: peer.allreduce(update, out=update), rounds)


def time_message(peer: Peer, rounds: int) -> float:
    """Measure one superstep in which each peer sends 2.7 MB to its neighbour and reads what it got."""
    data = np.zeros(FLOATS, np.float32)

    def exchange() -> None:
        peer.send((peer.index + 1) % peer.num_peers, data)
        peer.sync()
        peer.messages()

    return median_of(exchange, rounds)


GLOO = """
import os, sys, time, statistics
import torch, torch.distributed as dist
rank, file, rounds, warm_up, size = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method="file://" + file, rank=rank, world_size=2)
data = torch.zeros(size)
times = []
for _ in range(warm_up + rounds):
    start = time.perf_counter()
    dist.all_reduce(data)
    times.append(time.perf_counter() - start)
if rank == 0:
    print(statistics.median(times[warm_up:]))
dist.destroy_process_group()
"""


def time_gloo(folder: Path, turn: int, rounds: int) -> float:
    """Measure PyTorch's allreduce over gloo in two processes."""
    numbers = [str(number) for number in (rounds, WARM_UP, FLOATS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", GLOO, str(rank), str(folder / f"gloo-{turn}"), *numbers],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"gloo failed: {outputs[0][1]}{outputs[1][1]}")
    return float(outputs[0][0])


def hold_barrier(barrier: Any, rounds: int, results: Any) -> None:
    """Measure multiprocessing's barrier; one of its participants reports."""
    took = median_of(barrier.wait, rounds)
    results.put(took)


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


class Table:
    """Prints rows as they come and keeps them for the JSON file."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, what: str, horn: float, goal: str, other: float | None = None, rival: str = "") -> None:
        """Add a row; times in seconds."""
        self.rows.append({"what": what, "horn": horn, "goal": goal, "rival": rival, "rival_time": other})
        beside = f"{rival} {show(other)}, ratio {horn / other:.2f}" if other is not None else rival
        print(f"{what:<42} {show(horn):>10}   goal {goal:<10} {beside}", flush=True)


def show(seconds: float) -> str:
    """Write a time with a fitting unit."""
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def barriers(table: Table, rounds: int) -> None:
    """Barriers on one host."""
    goals = {2: "15 µs", 20: "300 µs"}
    for processes in (2, 4, 8, 20):
        horn = BSPJob(time_sync, processes, processes, args=(rounds,)).run()
        other = time_multiprocessing(processes, min(rounds, 500))
        table.add(f"barrier, {processes} processes", horn, goals.get(processes, "-"), other, "multiprocessing")
    table.add("barrier, 20 peers in 2 processes", BSPJob(time_sync, 20, 2, args=(rounds,)).run(), "-")


def collectives(table: Table, rounds: int, folder: Path) -> None:
    """An allreduce beside gloo's, in turns; messages."""
    with_gloo = find_spec("torch") is not None
    horn, gloo = [], []
    for turn in range(TURNS):
        horn.append(BSPJob(time_allreduce, 2, 2, args=(rounds // TURNS,)).run())
        if with_gloo:
            gloo.append(time_gloo(folder, turn, rounds // TURNS))
    other = statistics.median(gloo) if gloo else None
    table.add(
        "allreduce of 2.7 MB, 2 processes",
        statistics.median(horn),
        "0.40 gloo",
        other,
        "gloo" if with_gloo else "gloo: not measured, PyTorch is not installed",
    )
    table.add("message of 2.7 MB, 2 processes", BSPJob(time_message, 2, 2, args=(rounds // TURNS,)).run(), "-")


def zookeeper(table: Table, rounds: int) -> None:
    """ZooKeeper's generation barrier, every process taking part; and what it costs with one participant per host."""
    missing = zookeeper_missing()
    if missing:
        print(f"ZooKeeper's barrier: not measured, {missing}")
        return
    goals = {2: "4 ms", 8: "11 ms", 16: "20 ms"}
    with ZooKeeperServer() as server:
        for processes, goal in goals.items():
            job = BSPJob(
                time_sync,
                processes,
                processes,
                args=(min(rounds, 200),),
                zookeeper=ZooKeeper(server.address, participants="process"),
            )
            table.add(f"ZooKeeper barrier, {processes} participants", job.run(), goal)
        job = BSPJob(time_sync, 2, 2, args=(rounds,), zookeeper=server.address)
        table.add("barrier with zookeeper=, one host, 2 processes", job.run(), "as without")


def start_time(table: Table) -> None:
    """From the call of `run` to its return, for a program that does nothing."""
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        BSPJob(do_nothing, 4, 4).run()
        times.append(time.perf_counter() - start)
    table.add("start and end of a job of 4 processes", statistics.median(times), "1.5 s")


def do_nothing(peer: Peer) -> None:
    """A program."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000, help="repetitions of each measurement")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    table = Table()
    barriers(table, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        collectives(table, options.rounds, Path(folder))
    zookeeper(table, options.rounds)
    start_time(table)
    if options.json:
        options.json.write_text(json.dumps(table.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
