"""FAULTS.md 1 for posts: a process that is killed in the middle of one ends the job; who waits for it is not left."""

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPJob, Peer, PeerLost
from horn.bsp.testing import fail_points

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

WITHIN = 1.5  # a second, and what a loaded machine adds
MARK: list[float] = []


def mark(_: Any) -> None:
    MARK.append(time.monotonic())


def circulate(peer: Peer) -> None:
    """Peers 0 and 1, of different processes, answer each other for ever; the others wait for a post in vain."""
    if peer.index > 1:
        peer.wait()
    if peer.index == 0:
        peer.post(1, np.zeros(30_000))
    while True:
        peer.wait()
        for sender, value in peer.inbox():
            peer.progress(None)
            peer.post(sender, value)


@pytest.mark.parametrize("point", ["post.written", "post.taking"])
def test_a_process_killed_in_the_middle_of_a_post_ends_the_job(point: str) -> None:
    with (
        fail_points(f"{point}@process=1,hit=30:kill"),
        pytest.raises(PeerLost, match=r"peer 1 \(process 1, pid \d+\) was killed by SIGKILL") as caught,
    ):
        BSPJob(circulate, peers=3, processes=3, on_progress=mark).run()
    assert time.monotonic() - MARK[-1] < WITHIN
    assert caught.value.exit_code == -signal.SIGKILL


def flood(peer: Peer) -> None:
    """Peers 0 and 2 post to peer 1, which does not read, until they wait for room; peer 0 says so before."""
    if peer.index == 1:
        peer.post(0, os.getpid())
        threading.Event().wait(60)
    if peer.index == 0:
        peer.wait()
        for _ in range(16):
            peer.post(1, bytes(1 << 20))
        peer.progress(peer.inbox()[0].value)
    while True:
        peer.post(1, bytes(1 << 20))


def kill(pid: int) -> None:
    mark(pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("transport", ["shared", "tcp"])
def test_those_who_wait_for_room_learn_that_the_reader_was_killed(transport: str) -> None:
    with pytest.raises(PeerLost, match=r"peer 1 \(process 1, pid \d+\) was killed by SIGKILL"):
        BSPJob(flood, peers=3, processes=3, transport=transport, on_progress=kill).run()
    assert time.monotonic() - MARK[-1] < WITHIN
