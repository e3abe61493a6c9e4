"""The ways of starting workers hold to one contract: what a worker finds, how its end is told, and what is left."""

import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Launcher, Peer, PeerLost, SpawnLauncher
from horn.bsp.running import forking
from horn.bsp.running.forking import ForkLauncher, end_servers, servers

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(params=[ForkLauncher, SpawnLauncher])
def launcher(request: pytest.FixtureRequest) -> Launcher:
    made: Launcher = request.param()
    return made


@pytest.fixture
def fresh_server() -> Iterator[None]:
    """No server is there when the test begins, and none of its own afterwards."""
    end_servers()
    yield
    end_servers()


def test_workers_find_environment_folder_and_cores_as_they_are(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def look(peer: Peer) -> Any:
        return os.environ.get("SEEN"), os.environ.get("GONE"), str(Path.cwd()), os.sched_getaffinity(0), sys.argv

    before = os.sched_getaffinity(0)
    for seen in ("first", "second"):
        monkeypatch.setenv("SEEN", seen)
        monkeypatch.setenv("GONE", "yes") if seen == "first" else monkeypatch.delenv("GONE")
        folder = tmp_path / seen
        folder.mkdir()
        monkeypatch.chdir(folder)
        cores = before if seen == "first" else {min(before)}
        try:
            os.sched_setaffinity(0, cores)
            found = BSPJob(look, 1, launcher=launcher).run()
        finally:
            os.sched_setaffinity(0, before)
        assert found == (seen, "yes" if seen == "first" else None, str(folder), cores, sys.argv)


def test_workers_have_the_limits_that_hold_when_they_start(launcher: Launcher) -> None:
    def limit(peer: Peer) -> Any:
        return resource.getrlimit(resource.RLIMIT_CORE)

    before = resource.getrlimit(resource.RLIMIT_CORE)
    BSPJob(limit, 1, launcher=launcher).run()
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
        assert BSPJob(limit, 1, launcher=launcher).run() == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
        end_servers()


def test_workers_write_where_the_caller_writes(launcher: Launcher, capfd: pytest.CaptureFixture[str]) -> None:
    def say(peer: Peer, word: str) -> None:
        print(f"{word}\n", end="")  # in one piece, also where output is not buffered
        os.write(2, f"error {word}\n".encode())

    for word in ("once", "twice"):  # the capture of each is another file
        BSPJob(say, 2, 2, args=(word,), launcher=launcher).run()
        out, err = capfd.readouterr()
        assert out == f"{word}\n" * 2
        assert err == f"error {word}\n" * 2


def test_workers_draw_different_numbers(launcher: Launcher) -> None:
    def draw(peer: Peer) -> Any:
        return random.random(), float(np.random.rand()), np.random.default_rng().random()

    job = BSPJob(draw, 3, 3, launcher=launcher)
    job.run()
    assert len({number for numbers in job.values for number in numbers}) == 9


def test_a_worker_has_no_file_of_others(launcher: Launcher) -> None:
    """Of the server's only what a fresh interpreter would have: each file that is open was made by the worker."""

    def links(peer: Peer) -> list[str]:
        peer.sync()
        own = (str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists() or path.is_symlink())
        return [link for link in own if link.startswith("socket:")]

    job = BSPJob(links, 3, 3, launcher=launcher)
    job.run()
    assert job.values == [[], [], []]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV, 3])
def test_how_a_worker_ended_is_told(launcher: Launcher, end: int) -> None:
    def leave(peer: Peer) -> None:
        if peer.index == 1:
            os._exit(3) if end == 3 else os.kill(os.getpid(), end)
        while True:
            peer.sync()

    with pytest.raises(PeerLost) as lost:
        BSPJob(leave, 2, 2, launcher=launcher).run()
    assert lost.value.ranks == (1,)
    assert lost.value.exit_code == (3 if end == 3 else -end)


def test_what_was_registered_for_the_end_runs(launcher: Launcher, tmp_path: Path) -> None:
    def register(peer: Peer) -> None:
        import atexit
        import threading

        def write(name: str) -> None:
            (tmp_path / f"{name}{peer.index}").touch()

        atexit.register(write, "exit")
        threading.Thread(target=write, args=("thread",)).start()

    BSPJob(register, 2, 2, launcher=launcher).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exit0", "exit1", "thread0", "thread1"]


def test_the_blas_has_as_many_threads_as_asked_for(launcher: Launcher) -> None:
    def threads(peer: Peer) -> Any:
        from threadpoolctl import threadpool_info

        __import__("scipy.linalg.cython_blas")
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    for count in (1, 2, 1):
        assert BSPJob(threads, 1, blas_threads=count, launcher=launcher).run() == {count}


def parent(peer: Peer) -> int:
    return os.getppid()


def test_jobs_share_a_server() -> None:
    first = BSPJob(parent, 2, 2)
    first.run()
    second = BSPJob(parent, 3, 3)
    second.run()
    assert set(first.values) == set(second.values) != {os.getpid()}
    assert set(second.values) <= set(servers())


def test_other_variables_for_libraries_have_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    before = BSPJob(parent, 1).run()
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    after = BSPJob(parent, 1).run()
    assert before != after
    assert before not in servers()  # it was idle
    assert not Path(f"/proc/{before}").exists()


@pytest.mark.usefixtures("fresh_server")
def test_what_is_to_be_loaded_is_there_when_workers_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large_library.py").write_text("called = 0\ndef call():\n    global called\n    called += 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def look(peer: Peer) -> Any:
        return sys.modules["large_library"].called if "large_library" in sys.modules else None

    assert BSPJob(look, 1, preload=["large_library:call"]).run() == 1
    assert BSPJob(look, 1, preload=["large_library"]).run() == 0
    assert BSPJob(look, 1).run() is None


@pytest.mark.usefixtures("fresh_server")
def test_what_cannot_be_loaded_is_named() -> None:
    with pytest.raises(BSPError, match=r"cannot load what they need:[\s\S]*No module named 'no_such_module'"):
        BSPJob(parent, 1, preload=["no_such_module"]).run()
    assert servers() == []


@pytest.mark.usefixtures("fresh_server")
def test_a_killed_server_ends_its_workers_and_the_next_job_has_another() -> None:
    def kill(peer: Peer) -> None:
        if peer.index == 0:
            os.kill(os.getppid(), signal.SIGKILL)
        while True:
            peer.sync()

    with pytest.raises(BSPError):
        BSPJob(kill, 3, 3).run()
    (dead,) = servers()
    assert BSPJob(parent, 1).run() != dead


@pytest.mark.usefixtures("fresh_server")
def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    BSPJob(parent, 1).run()
    (server,) = servers()
    monkeypatch.setattr(forking, "PATIENCE", 0.2)
    forking._servers[forking.Surroundings.now(())]._link.settimeout(0.2)
    os.kill(server, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(BSPError, match=r"did not answer within 0\.2 s"):
        BSPJob(parent, 1).run()
    assert time.monotonic() - start < 10
    monkeypatch.undo()
    assert BSPJob(parent, 1).run() != server


def test_a_fork_of_the_caller_starts_workers_of_its_own(tmp_path: Path) -> None:
    """Two processes at one socket would get each other's answers."""
    ours = BSPJob(parent, 1).run()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if BSPJob(parent, 1).run() != ours else 2
            end_servers()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert BSPJob(parent, 1).run() == ours


FEW_FORKS = """
import errno
import os

fork, left = os.fork, [2]


def limited():
    if not left[0]:
        raise OSError(errno.EAGAIN, "no process is left")
    left[0] -= 1
    return fork()


def arm():
    os.fork = limited
"""


def test_a_fork_that_fails_ends_no_other_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_server: None
) -> None:
    (tmp_path / "few_forks.py").write_text(FEW_FORKS)
    monkeypatch.syspath_prepend(tmp_path)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    settings: dict[str, Any] = {"preload": ["few_forks:arm"], "launcher": ForkLauncher()}
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(BSPJob(lambda peer: gate.read_text(), 1, **settings).run)
        with gate.open("w") as opened:  # when the worker reads
            with pytest.raises(BSPError, match=r"no process can be forked .*no process is left"):
                BSPJob(lambda peer: None, 2, 2, **settings).run()
            opened.write("it ran on")
        assert running.result(60) == "it ran on"
