"""Jobs that a program of a job runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPJob, Peer, PeerFailed, PeerLost

ROOT = Path(__file__).parents[2]


def inner(peer: Peer, scale: int) -> int:
    return int(peer.allreduce(scale * (peer.index + 1)))


def outer(peer: Peer) -> list[int]:
    peer.send(0, BSPJob(inner, 3, 2, args=(peer.index + 1,), seed=peer.index).run())
    peer.sync()
    return peer.messages()


@pytest.mark.parametrize("processes", [1, 2])
def test_each_peer_can_run_a_job(processes: int) -> None:
    assert BSPJob(outer, 2, processes).run() == [6, 12]


def lose(peer: Peer) -> None:
    if peer.index == 1:
        os._exit(3)
    peer.sync()


def run_what_is_lost(peer: Peer) -> None:
    peer.shared["runs"][peer.index] += 1
    BSPJob(lose, 2, 2, name="within").run()


def test_the_loss_of_a_nested_job_is_a_failure_of_its_program() -> None:
    job = BSPJob(run_what_is_lost, 1, shared={"runs": np.zeros(1, int)}, max_restarts=3)
    with pytest.raises(PeerFailed, match=r"peer 0 raised PeerLost: peer 1 .* exited with code 3") as caught:
        job.run()
    assert job.shared["runs"][0] == 1, "not a loss of the job itself, which would start over"
    assert isinstance(caught.value.__cause__, PeerLost)
    assert caught.value.__cause__.job == "within"
    assert caught.value.job == job.name


SCRIPT = """
import os
from horn.bsp import BSPJob

def inner(peer):
    os.write(1, b"%d " % os.getpid())
    while True:
        peer.sync()

def outer(peer):
    os.write(1, b"%d " % os.getpid())
    BSPJob(inner, 2, 2).run()

BSPJob(outer, 2, 2).run()
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nested_workers_end_with_the_outer_job(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    script = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert script.stdout is not None
        told = b""
        while told.count(b" ") < 6:
            told += (data := os.read(script.stdout.fileno(), 1000))
            assert data, "the script has ended"
        pids = [int(pid) for pid in told.split()]
        script.send_signal(number)
        script.wait(5)
        deadline = time.monotonic() + 2
        while any(map(alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [pid for pid in pids if alive(pid)] == []
    finally:
        script.kill()
        script.communicate()


def fail_beside_a_nested_job(peer: Peer) -> Any:
    if peer.index == 1:
        while not peer.shared["begun"][0]:
            time.sleep(0.001)
        raise ValueError("enough")
    return BSPJob(for_ever, 2, 2, on_progress=lambda _: peer.shared["begun"].fill(True)).run()


def for_ever(peer: Peer) -> None:
    peer.progress(0)
    while True:
        peer.sync()


def test_a_peer_in_a_nested_job_does_not_hold_up_the_end_of_the_outer() -> None:
    flags = {"begun": np.zeros(1, bool)}
    with pytest.raises(PeerFailed, match="peer 1 raised ValueError: enough"):
        BSPJob(fail_beside_a_nested_job, 2, 2, shared=flags).run()
