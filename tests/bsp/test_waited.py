"""How long a peer has waited for others: at barriers of all groups, in collectives, and for posts."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPJob, Group, Peer

BUSY = 0.3


def compute() -> None:
    end = time.perf_counter() + BUSY
    while time.perf_counter() < end:
        pass


def sync(peer: Peer, group: Group) -> None:
    group.sync()


def allreduce(peer: Peer, group: Group) -> None:
    group.allreduce(np.ones(1000))


def post(peer: Peer, group: Group) -> None:
    if peer.index == 0:
        peer.wait()
    else:
        peer.post(0, "done")


@pytest.mark.parametrize("how", [sync, allreduce, post])
@pytest.mark.parametrize("region", [False, True])
@pytest.mark.parametrize(("processes", "transport"), [(2, "shared"), (2, "tcp"), (1, "threads")])
def test_who_waits_for_a_busy_peer_knows_how_long(
    how: Callable[[Peer, Group], None], region: bool, processes: int, transport: str
) -> None:
    def program(peer: Peer) -> tuple[float, float]:
        group: Group = peer.split(0) if region else peer
        peer.sync()
        before, start = peer.waited, time.perf_counter()
        if peer.index == 1:
            compute()
        how(peer, group)
        passed = time.perf_counter() - start
        return group.waited - before, passed

    job = BSPJob(program, 2, processes, transport=transport)
    job.run()
    (waited, passed), (busy_waited, busy_passed) = job.values
    assert BUSY / 2 < waited <= passed
    assert busy_waited <= busy_passed - BUSY


def test_what_is_moved_is_no_waiting() -> None:
    """A peer alone waits for nobody, however much it gives itself."""

    def program(peer: Peer) -> Any:
        start = time.perf_counter()
        for _ in range(20):
            peer.send(0, np.zeros(1_000_000))
            peer.sync()
            peer.messages()
        return peer.waited, time.perf_counter() - start

    waited, passed = BSPJob(program, 1).run()
    assert waited < passed / 2
