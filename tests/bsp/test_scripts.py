"""Programs as users write them: scripts without a main guard, code from standard input; and how they are ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The installed package, or the checkout, importable from anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


SCRIPT = """
import collections, math
import numpy as np
from horn.bsp import BSP, BSPJob, Peer

print("imported")
FACTOR = 3
Pair = collections.namedtuple("Pair", "a b")

def helper(x):
    return math.floor(x) * FACTOR

class Base(BSP):
    def bsp(self, peer):
        peer.send(0, helper(peer.index + 0.5))
        peer.sync()
        return self.result(peer)

class Sum(Base):
    def __init__(self, start):
        self.start = start
    def setup(self, peer):
        super().setup(peer)
    def result(self, peer):
        return Pair(self.start + sum(peer.messages()), np.float32(2))

value = BSPJob(Sum(100), peers=4, processes=2).run()
print(value.a, value.b)
print(BSPJob(lambda peer: peer.allreduce(FACTOR), peers=2, processes=2).run())
"""


def run(command: list[str], environment: dict[str, str], folder: Path, text: str | None = None) -> list[str]:
    done = subprocess.run(
        command, env=environment, cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


EXPECTED = ["imported", "118 2.0", "6"]


def test_a_script_without_a_main_guard_runs_once(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    assert run([sys.executable, "script.py"], environment, tmp_path) == EXPECTED


def test_jobs_of_several_threads_do_not_disturb_each_other(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "print('imported')\n"
        "import os, __main__\nfrom concurrent.futures import ThreadPoolExecutor\nfrom horn.bsp import BSPJob\n"
        "before = __main__.__file__, __main__.__spec__, dict(os.environ)\n"
        "def job(number):\n"
        "    return [BSPJob(lambda peer: peer.allreduce(number), peers=3, processes=3).run() for _ in range(3)]\n"
        "with ThreadPoolExecutor(3) as pool:\n    print(*map(sum, pool.map(job, range(3))))\n"
        "print((__main__.__file__, __main__.__spec__, dict(os.environ)) == before)\n"
    )
    assert run([sys.executable, "script.py"], environment, tmp_path) == ["imported", "0 9 18", "True"]


def test_code_from_standard_input(environment: dict[str, str], tmp_path: Path) -> None:
    assert run([sys.executable, "-"], environment, tmp_path, SCRIPT) == EXPECTED


def test_code_without_source_as_a_notebook_has_it(environment: dict[str, str], tmp_path: Path) -> None:
    cells = f"exec(compile({SCRIPT!r}, '<cell>', 'exec'), globals())"
    assert run([sys.executable, "-c", cells], environment, tmp_path) == EXPECTED


def test_a_module_run_as_main_and_one_beside_the_script(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def program(peer):\n    return [peer.index, __name__]\n")
    (tmp_path / "script.py").write_text(
        "import beside\nfrom horn.bsp import BSPJob\n"
        "def own(peer):\n    return beside.program(peer)\n"
        "for program in (beside.program, own):\n"
        "    job = BSPJob(program, peers=2, processes=2)\n    job.run()\n    print(job.values)\n"
    )
    expected = ["[[0, 'beside'], [1, 'beside']]"] * 2
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run([sys.executable, str(tmp_path / "script.py")], environment, elsewhere) == expected
    assert run([sys.executable, "-m", "script"], environment, tmp_path) == expected


def test_a_module_that_starts_a_job_when_workers_import_it_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "unguarded.py").write_text(
        "from horn.bsp import BSPJob\n"
        "def program(peer):\n    return peer.index\n"
        "BSPJob(lambda peer: None, peers=1).run()\n"
        "BSPJob(program, peers=1).run()\n"
    )
    # One peer: without the refusal a chain of processes, that ends with its first.
    done = subprocess.run(
        [sys.executable, "-c", "import unguarded"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the module 'unguarded' starts a job while a worker imports it" in done.stderr
    assert f'File "{tmp_path / "unguarded.py"}", line 4' in done.stderr


def test_a_module_that_shadows_the_standard_library_does_no_harm(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "neurons.py").write_text("raise SystemExit('the wrong neurons')\n")
    (tmp_path / "models.py").write_text("raise SystemExit('the wrong models')\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    assert run([sys.executable, "script.py"], environment, tmp_path) == EXPECTED


def test_prints_of_workers_arrive_line_by_line(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "from horn.bsp import BSPJob\nBSPJob(lambda peer: print('peer', peer.index), peers=2, processes=2).run()\n"
    )
    assert sorted(run([sys.executable, "script.py"], environment, tmp_path)) == ["peer 0", "peer 1"]


LONG = """
import os, sys
from horn.bsp import BSPJob

def program(peer):
    pids = [peer.broadcast(os.getpid(), root=i) for i in range(peer.num_peers)]
    peer.progress(sorted({*pids}))
    while not peer.stopping:
        peer.sync()
        if STUCK and peer.index:
            while True: pass
    return peer.superstep

STUCK = STUCK_VALUE
tell = lambda pids: print(*pids, flush=True)
job = BSPJob(program, peers=3, processes=2, on_progress=tell, graceful_interrupt=GRACEFUL)
try:
    job.run()
except KeyboardInterrupt:
    print("interrupted", len(set(job.values)) == 1 and job.values[0] is not None, flush=True)
    sys.exit(130)
"""


class Running:
    """A script with a job that runs until something happens."""

    def __init__(self, folder: Path, environment: dict[str, str], stuck: bool, graceful: bool) -> None:
        script = folder / "script.py"
        script.write_text(LONG.replace("STUCK_VALUE", str(stuck)).replace("GRACEFUL", str(graceful)))
        self.process = subprocess.Popen(
            [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        self.workers = [int(pid) for pid in self.process.stdout.readline().split()]
        assert len(self.workers) == 2
        self.start = time.monotonic()

    def end(self) -> tuple[int, str, float]:
        """Wait for the end; return exit code, output, seconds."""
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output, time.monotonic() - self.start

    def workers_end_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while any(alive(pid) for pid in self.workers) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not any(alive(pid) for pid in self.workers)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def running(tmp_path: Path, environment: dict[str, str]) -> Iterator[Any]:
    started: list[Running] = []

    def start(*, stuck: bool = False, graceful: bool = False) -> Running:
        started.append(Running(tmp_path, environment, stuck, graceful))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("stuck", [False, True])
def test_ctrl_c_ends_all_workers_within_a_second(running: Any, stuck: bool) -> None:
    script = running(stuck=stuck)
    os.killpg(script.process.pid, signal.SIGINT)  # as a terminal does: to everybody
    code, output, seconds = script.end()
    assert (code, output) == (130, "interrupted False\n")
    assert seconds < 1.5
    assert script.workers_end_within(0.5)


def test_a_graceful_ctrl_c_lets_the_program_return(running: Any) -> None:
    script = running(graceful=True)
    os.killpg(script.process.pid, signal.SIGINT)
    code, output, seconds = script.end()
    assert (code, output) == (130, "interrupted True\n")
    assert seconds < 2


def test_a_second_ctrl_c_does_not_wait(running: Any) -> None:
    script = running(graceful=True, stuck=True)
    os.killpg(script.process.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        script.process.wait(0.7)
    os.killpg(script.process.pid, signal.SIGINT)
    code, output, seconds = script.end()
    assert (code, output) == (130, "interrupted False\n")
    assert seconds < 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_die_with_their_launcher(running: Any, number: signal.Signals) -> None:
    script = running(stuck=True)
    before = set(Path("/dev/shm").iterdir())
    script.process.send_signal(number)
    assert script.process.wait(5) == -number
    assert script.workers_end_within(1)
    assert set(Path("/dev/shm").iterdir()) <= before
