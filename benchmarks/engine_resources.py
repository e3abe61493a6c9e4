"""What jobs take: time to start, memory, and whether anything grows while they run."""

import os
import re
import statistics
import threading
import time
from pathlib import Path

import numpy as np
from engine_table import Effort, Row, Table

from horn.bsp import BSPJob, Peer, ZooKeeper
from horn.bsp.running.forking import end_servers, servers
from horn.bsp.testing import ZooKeeperServer, zookeeper_missing

PEERS, PROCESSES = 20, 2
FLOATS = 675_000


def do_nothing(peer: Peer) -> None:
    """A program."""


def start_time(table: Table, effort: Effort) -> None:
    """From the call of `run` to its return, for a program that does nothing: a caller's first job, and later ones."""
    first, later = [], []
    for _ in range(effort.turns):
        end_servers()  # what workers are forked from, which the first job starts
        for times in (first, later):
            start = time.perf_counter()
            BSPJob(do_nothing, 4, 4).run()
            times.append(time.perf_counter() - start)
    table.add(Row("start and end of a job of 4 processes, the first", statistics.median(first), goal=1.5))
    table.add(Row("    and of those after it", statistics.median(later), goal=1.5))


def proportional_set_size(pid: int | str = "self") -> int:
    """Bytes of a process; what it shares with others is divided among them."""
    match = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    if match is None:
        raise RuntimeError("/proc/self/smaps_rollup has no line Pss")
    return 1024 * int(match[1])


def train_like(peer: Peer) -> int:
    """Send, reduce, and return what the process takes: all its peers hold an update of their own."""
    update = np.ones(FLOATS, np.float32)
    for _ in range(5):
        peer.send((peer.index + 1) % peer.num_peers, update[:1000])
        peer.allreduce(update, out=update)
        peer.sync()
    size = proportional_set_size() if peer.index % (PEERS // PROCESSES) == 0 else 0
    peer.sync()
    return size


def memory(table: Table, effort: Effort) -> None:
    """20 peers in 2 processes, an allreduce of 2.7 MB: launcher, workers and what these are forked from, together.

    Without the peers' own arrays.
    """
    job = BSPJob(train_like, PEERS, PROCESSES)
    job.run()
    total = sum(job.values) + proportional_set_size() + sum(map(proportional_set_size, servers()))
    own = PEERS * FLOATS * 4
    table.add(Row("memory, 20 peers in 2 processes, beyond their own arrays", total - own, "B", 300e6))


def open_files() -> int:
    """How many files this process has open, without the poll objects that ZooKeeper's client opens for each wait."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += "eventpoll" not in str(entry.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def look() -> dict[str, int]:
    """What this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "files": open_files(),
        "threads": threading.active_count(),
    }


def long_run(peer: Peer, supersteps: int) -> dict[str, int]:
    """What has grown between the first tenth of a run and its end; the caller may look after each tenth."""
    data, before = np.ones(1000), look()
    for superstep in range(supersteps):
        if superstep % (supersteps // 10) == 0:
            peer.progress(superstep)
            before = look() if superstep == supersteps // 10 else before
        peer.send((superstep + peer.index) % peer.num_peers, data)
        peer.allreduce(1)
        peer.sync()
        peer.messages()
    return {name: now - before[name] for name, now in look().items()}


def growth(table: Table, effort: Effort) -> None:
    """Supersteps with messages and an allreduce, embedded and with ZooKeeper: what has grown after them."""
    what, arguments = f"{effort.supersteps:,} supersteps", (effort.supersteps,)
    add_growth(table, what, BSPJob(long_run, 4, 2, args=arguments))
    missing = zookeeper_missing()
    if missing:
        table.skip("growth with ZooKeeper", missing)
        return
    with ZooKeeperServer() as server:
        settings = ZooKeeper(server.address, participants="process")
        BSPJob(do_nothing, 2, 2, zookeeper=settings).run()  # makes the nodes that stay for all jobs
        before, seen = number_of_nodes(server), list[int]()

        def count(superstep: int) -> None:
            seen.append(number_of_nodes(server))

        job = BSPJob(long_run, 2, 2, args=arguments, zookeeper=settings, on_progress=count)
        add_growth(table, f"{what}, ZooKeeper's barriers", job)
        table.add(Row("    znodes (those of two generations come and go)", max(seen[1:]) - seen[1], "", 8))
        table.add(Row("    znodes left", number_of_nodes(server) - before, "", 0))


def number_of_nodes(server: ZooKeeperServer) -> int:
    """How many znodes a server has."""
    match = re.search(r"^zk_znode_count\t(\d+)", server.ask("mntr"), re.MULTILINE)
    if match is None:
        raise RuntimeError("the server's answer to mntr has no line zk_znode_count")
    return int(match[1])


def add_growth(table: Table, what: str, job: BSPJob) -> None:
    """Run a job and add what it reports: the worst of its processes."""
    job.run()
    grown = {name: max(value[name] for value in job.values) for name in job.values[0]}
    table.add(Row(f"{what}: memory has grown by", grown["bytes"], "B", 1e6))
    table.add(Row("    files", grown["files"], "", 0))
    table.add(Row("    threads", grown["threads"], "", 0))
