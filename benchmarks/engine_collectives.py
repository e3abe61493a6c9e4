"""An allreduce of 2.7 MB, the update of a 784-512-512-10 network, beside gloo's and beside the copies that it needs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from engine_barriers import WARM_UP, median_of
from engine_table import Effort, Row, Table

from horn.bsp import BSPJob, Peer

FLOATS = 675_000

GLOO = """
import os, sys, time, statistics
import torch, torch.distributed as dist
rank, file, rounds, warm_up, size = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(1)
cores = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cores[rank % len(cores)]})
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


def pin(index: int) -> None:
    """Give each process a core of its own: on one core the other's data would be in its cache."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[index % len(cores)]})


def time_allreduce(peer: Peer, rounds: int) -> float:
    """Measure one allreduce, in place as a training step does it."""
    pin(peer.index)
    update = np.zeros(FLOATS, np.float32)
    return median_of(lambda: peer.allreduce(update, out=update), rounds)


def time_copies(peer: Peer, rounds: int) -> float:
    """Measure what two processes must do at least, each with one half to reduce; waiting does not count.

    Each lays the other's half into shared memory, adds its own half and what was laid there into shared memory, and
    copies both results.
    """
    pin(peer.index)
    data = np.zeros(FLOATS, np.float32)
    half = FLOATS // 2
    halves = data[:half], data[half : 2 * half]
    own, other = peer.index, 1 - peer.index
    brought, reduced = peer.shared["brought"], peer.shared["reduced"]

    def bring() -> None:
        np.copyto(brought[own], halves[other])

    def reduce() -> None:
        np.add(halves[own], brought[other], out=reduced[own])

    def take() -> None:
        np.copyto(halves[own], reduced[own])
        np.copyto(halves[other], reduced[other])

    times = []
    for _ in range(WARM_UP + rounds):
        took = 0.0
        for phase in (bring, reduce, take):
            peer.sync()
            start = time.perf_counter()
            phase()
            took += time.perf_counter() - start
        times.append(took)
    return statistics.median(times[WARM_UP:])


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


def allreduce(table: Table, effort: Effort) -> None:
    """Horn, gloo and the bare copies in turn; each of the two processes has a core of its own."""
    rounds = max(effort.rounds // effort.turns // 2, 10)
    with_gloo = find_spec("torch") is not None
    shared = {name: np.zeros((2, FLOATS // 2), np.float32) for name in ("brought", "reduced")}
    horn, copies, gloo = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(effort.turns):
            horn.append(BSPJob(time_allreduce, 2, 2, args=(rounds,)).run())
            copies.append(BSPJob(time_copies, 2, 2, args=(rounds,), shared=shared).run())
            if with_gloo:
                gloo.append(time_gloo(Path(folder), turn, rounds))
    took, least = statistics.median(horn), statistics.median(copies)
    what = "allreduce of 2.7 MB, 2 processes"
    table.add(Row(what, took, goal=2 * least, rival="the copies it needs", other=least))
    if with_gloo:
        other = statistics.median(gloo)
        table.add(Row(what, took, goal=0.40 * other, rival="gloo", other=other))
    else:
        table.skip("gloo's allreduce", "PyTorch is not installed")
