"""FAULTS.md 19: Ctrl-C and SIGTERM end a script that runs a job: its exit status, one traceback, nothing left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from horn.bsp import ZooKeeper
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer

SCRIPT = """
import os
from horn.bsp import BSPJob

def run(peer):
    pids = peer.allgather(os.getpid())
    peer.progress(pids)
    while True:
        peer.sync()

BSPJob(run, 3, 3, {way} on_progress=lambda pids: print(*pids, flush=True)).run()
"""
WITHIN = 6.0


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def runs(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", ["embedded", "sockets", "zookeeper"])
def test_19_a_signal_ends_the_script_and_all_that_belongs_to_it(
    way: str, number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    ways = {"embedded": "", "sockets": "transport='tcp',", "zookeeper": ""}
    if way == "zookeeper":
        server: ZooKeeperServer = request.getfixturevalue("zookeeper")
        ways["zookeeper"] = f"zookeeper={server.address!r},"
    before = set(Path("/dev/shm").iterdir())
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(way=ways[way])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell may have started us deaf to Ctrl-C, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert script.stdout is not None
        workers = [int(pid) for pid in script.stdout.readline().split()]
        assert len(workers) == 3
        start = time.monotonic()
        os.killpg(script.pid, number) if number == signal.SIGINT else script.send_signal(number)
        _, told = script.communicate(timeout=30)
        assert time.monotonic() - start < WITHIN
    finally:
        script.kill()
        script.communicate()
    # The shell shows 128 + the signal, as 130 and 143.
    assert script.returncode == -number
    if number == signal.SIGINT:
        assert told.count("Traceback (most recent call last)") == 1
        assert told.rstrip().endswith("KeyboardInterrupt")
    else:
        assert told == ""
    assert eventually(lambda: not any(map(runs, workers)), 1.0)
    assert set(Path("/dev/shm").iterdir()) <= before
    if way == "zookeeper":
        with closing(Session(ZooKeeper(server.address))) as session:
            assert eventually(lambda: session.children("/horn/jobs") == [], WITHIN)
