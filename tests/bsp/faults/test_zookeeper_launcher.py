"""FAULTS.md 18 with ZooKeeper: a launcher that is killed leaves no worker, no janitor and no znode."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from horn.bsp import ZooKeeper
from horn.bsp.coordination.session import Session
from horn.bsp.testing import ZooKeeperServer

SCRIPT = """
import os, sys
from horn.bsp import BSPJob, ZooKeeper

def run(peer):
    peer.progress(peer.broadcast(os.getpid()))
    while True:
        peer.sync()

def tell(_):
    if os.environ.get("FORK") and os.fork() == 0:  # a child that knows nothing of the job, and holds its pipes open
        os.read({pipe}, 1)
        os._exit(0)
    print("running", flush=True)

settings = ZooKeeper({address!r}, 10.0, "process", auth=("horn", "s3cret"))
BSPJob(run, 2, 2, zookeeper=settings, name="orphan", on_progress=tell).run()
"""
PATH = "/launcher"


@pytest.fixture
def look(zookeeper: ZooKeeperServer) -> Iterator[Session]:
    with closing(Session(ZooKeeper(zookeeper.address, auth=("horn", "s3cret")))) as session:
        yield session
        assert session.children(f"{PATH}/horn/jobs") == []


def eventually(holds: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def command_lines(pids: Collection[int]) -> dict[int, str]:
    lines = {}
    for pid in pids:
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            ended = " Z " in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if not ended:
            lines[pid] = line
    return lines


def children(pid: int) -> set[int]:
    return {int(child) for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()}


@pytest.mark.parametrize("with_child", [False, True])
def test_a_killed_launcher_leaves_nothing(
    zookeeper: ZooKeeperServer, look: Session, with_child: bool, tmp_path: Path
) -> None:
    held, hold = os.pipe()
    os.set_inheritable(held, True)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(address=f"{zookeeper.address}{PATH}", pipe=held))
    environment = {**os.environ, **({"FORK": "1"} if with_child else {})}
    launcher = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment, pass_fds=[held])
    os.close(held)
    try:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == b"running\n"
        born = children(launcher.pid)
        workers = set().union(*map(children, born))
        family = command_lines(born | workers)
        assert any("janitor_process" in line for line in family.values())
        assert not any("s3cret" in line for line in family.values())
        assert look.exists(f"{PATH}/horn/jobs/orphan/members/1/1")
        launcher.kill()
        launcher.wait()
        janitors = {pid for pid, line in family.items() if "janitor_process" in line}
        forked = {pid for pid, line in family.items() if "fork_server" in line}
        assert workers < forked
        assert len(forked) == 3
        assert eventually(lambda: not command_lines(forked), 1.0), "workers outlive their launcher"
        assert eventually(lambda: not look.exists(f"{PATH}/horn/jobs/orphan"), 8.0), "the janitor did nothing"
        assert eventually(lambda: not command_lines(janitors), 5.0), "the janitor stays"
    finally:
        launcher.kill()
        launcher.wait()
        launcher.stdout.close()
        os.close(hold)
