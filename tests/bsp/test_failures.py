"""What happens when something goes wrong: the job ends everywhere, at once, and the caller learns why."""

import contextlib
import gc
import os
import signal
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSP, BarrierTimeout, BSPError, BSPJob, Peer, PeerFailed, PeerLost

WITHIN = 1.5  # a second, and what a loaded machine adds


pytestmark = pytest.mark.usefixtures("nothing_left_behind")

MARK: list[float] = []


def killed(victim: int) -> Any:
    """Make an `on_progress` that kills the worker whose pid is reported."""

    def on_progress(pid: int) -> None:
        MARK.append(time.monotonic())
        os.kill(pid, victim)

    return on_progress


def compute_for_ever(peer: Peer) -> None:
    pid = peer.broadcast(os.getpid(), root=2)
    peer.progress(pid)
    while True:
        sum(range(1000))


def barrier_for_ever(peer: Peer) -> None:
    pid = peer.broadcast(os.getpid(), root=2)
    peer.progress(pid)
    if peer.process == 0:
        peer.sync()
    threading.Event().wait(60)


def reduce_for_ever(peer: Peer) -> None:
    pid = peer.broadcast(os.getpid(), root=2)
    peer.progress(pid)
    x = np.ones(500_000, np.float32)
    while True:
        peer.allreduce(x, out=x)


@pytest.mark.parametrize("program", [compute_for_ever, barrier_for_ever, reduce_for_ever])
def test_a_killed_worker_ends_the_job_and_is_named(program: Any) -> None:
    job = BSPJob(program, peers=4, processes=2, on_progress=killed(signal.SIGKILL))
    with pytest.raises(PeerLost, match=r"peers 2-3 \(process 1, pid \d+\) was killed by SIGKILL") as caught:
        job.run()
    assert time.monotonic() - MARK[-1] < WITHIN
    assert caught.value.ranks == (2, 3)
    assert caught.value.exit_code == -signal.SIGKILL


def leave(peer: Peer, code: int) -> None:
    if peer.index == 1:
        os._exit(code)
    peer.sync()


@pytest.mark.parametrize("code", [3, 0])
def test_an_exit_before_the_end_is_a_loss(code: int) -> None:
    with pytest.raises(PeerLost, match=rf"peer 1 .* exited with code {code} before its program returned") as caught:
        BSPJob(leave, peers=3, processes=3, args=(code,)).run()
    assert caught.value.exit_code == code


def divide(peer: Peer) -> float:
    peer.sync()
    if peer.index == 2:
        return 1 / (peer.index - 2)
    peer.sync()
    return 0.0


SPREADS = [(1, None), (2, None), (3, None), (3, "tcp")]


@pytest.mark.parametrize(("processes", "transport"), SPREADS)
def test_an_exception_reaches_the_caller_with_rank_and_traceback(processes: int, transport: str | None) -> None:
    with pytest.raises(PeerFailed, match="peer 2 raised ZeroDivisionError") as caught:
        BSPJob(divide, peers=3, processes=processes, transport=transport).run()
    assert "return 1 / (peer.index - 2)" in caught.value.traceback
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.ranks == (2,)


def say_exit(peer: Peer) -> None:
    raise SystemExit("enough")


def test_a_failed_job_gives_its_memory_back_at_once() -> None:
    job = BSPJob(divide, peers=3, processes=1, shared={"x": np.zeros(10)})
    memory = weakref.ref(job.shared["x"])
    gc.collect()
    gc.disable()  # an error that refers to itself would be found by the cyclic collector only
    try:
        with contextlib.suppress(PeerFailed):
            job.run()
        del job
        assert memory() is None
    finally:
        gc.enable()


def test_sys_exit_in_a_program_is_a_failure() -> None:
    with pytest.raises(PeerFailed, match="raised SystemExit: enough"):
        BSPJob(say_exit, peers=1).run()


def unpicklable(peer: Peer) -> Any:
    return (i for i in range(3)) if peer.index == 1 else None


def test_a_result_that_cannot_travel_is_named() -> None:
    with pytest.raises(BSPError, match="what the program returned, a generator, cannot be sent"):
        BSPJob(unpicklable, peers=2, processes=2).run()


class CleansUp(BSP):
    """Leaves a mark in shared memory when it cleans up."""

    def bsp(self, peer: Peer, *args: Any, **kwargs: Any) -> None:
        peer.sync()  # a process that has not begun when the job ends has nothing to clean up
        if peer.index == 0:
            raise ValueError("no")
        peer.sync()

    def cleanup(self, peer: Peer) -> None:
        peer.shared["clean"][peer.index] = True


@pytest.mark.parametrize(("processes", "transport"), [(1, None), (3, None), (3, "tcp")])
def test_cleanup_runs_on_all_peers_after_a_failure(processes: int, transport: str | None) -> None:
    job = BSPJob(CleansUp, peers=3, processes=processes, transport=transport, shared={"clean": np.zeros(3, bool)})
    with pytest.raises(PeerFailed, match="ValueError: no"):
        job.run()
    assert job.shared["clean"].all()


def early(peer: Peer) -> None:
    if peer.index != 1:
        peer.sync()


def different(peer: Peer) -> None:
    if peer.index == 1:
        peer.allreduce(1.0)
    peer.sync()


def shapes(peer: Peer) -> None:
    peer.allreduce(np.ones(peer.index + 1))


@pytest.mark.parametrize(("processes", "transport"), SPREADS)
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (early, "peer 1 came for the end of its program"),
        (different, r"peer 1 came for allreduce\(sum\) of float64 \(\)"),
        (shapes, r"peer 1 came for allreduce\(sum\) of float64 \(2,\)"),
    ],
)
def test_peers_that_do_different_things_are_told_so(
    program: Any, said: str, processes: int, transport: str | None
) -> None:
    with pytest.raises(BSPError, match=f"different reasons.*{said}"):
        BSPJob(program, peers=3, processes=processes, transport=transport).run()


def dawdle(peer: Peer) -> None:
    if peer.index == 2:
        threading.Event().wait(30)
    # The others come together, however long their processes took to start.
    peer.shared["here"][peer.index] = True
    while not peer.shared["here"][:2].all():
        threading.Event().wait(0.001)
    peer.sync()


@pytest.mark.parametrize(("processes", "transport"), [(1, None), (3, None), (3, "tcp")])
def test_a_barrier_has_a_time_limit_if_one_is_set(processes: int, transport: str | None) -> None:
    shared = {"here": np.zeros(3, bool)}
    with pytest.raises(BarrierTimeout, match=r"peer 2 did not arrive at the barrier within 0.3 s") as caught:
        BSPJob(dawdle, peers=3, processes=processes, transport=transport, timeout=0.3, shared=shared).run()
    assert caught.value.ranks == (2,)


def send_wrong(peer: Peer, to: Any, value: Any) -> None:
    peer.send(to, value() if callable(value) else value)


@pytest.mark.parametrize(
    ("to", "value", "said"),
    [
        (2, 1, r"the receiver must be in \[0, 2\), got 2"),
        (1.0, 1, r"the receiver must be in \[0, 2\), got 1.0"),
        (0, object, "a message cannot hold a builtins.object"),
        (1, set, "a message cannot hold a builtins.set"),
        (1, np.array([None]), "cannot hold an array of dtype object"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_send(to: Any, value: Any, said: str) -> None:
    with pytest.raises(BSPError, match=said) as caught:
        BSPJob(send_wrong, peers=2, processes=2, args=(to, value)).run()
    assert any("peer.send(to, value() if callable(value) else value)" in note for note in caught.value.__notes__)
