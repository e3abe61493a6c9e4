"""Jobs over sockets whose connections fail, and whose processes do: the error names the link, or what became of it."""

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horn.bsp import TCP, BSPError, BSPJob, LinkLost, Peer, PeerFailed, PeerLost
from horn.bsp.testing import TCPNetwork, TCPProxy

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

LINK_TIMEOUT = 2.0
SOON = 1.5  # a second, and what a loaded machine adds


def exchange(peer: Peer, rounds: int | None = None) -> float:
    """Exchange arrays; tell peer 0's pid and superstep, and end after so many rounds, or never."""
    total = 0.0
    while rounds is None or peer.superstep < rounds:
        peer.progress(peer.superstep)
        peer.send((peer.index + 1) % peer.num_peers, np.full(200_000, 1.0))
        peer.sync()
        total += sum(float(message.sum()) for message in peer.messages())
        threading.Event().wait(0.01)
    return total


class Once:
    """An `on_progress` that acts in the third superstep, and remembers when."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.at = math.nan
        self._act = act

    def __call__(self, superstep: int) -> None:
        if superstep >= 3 and math.isnan(self.at):
            self._act()
            self.at = time.monotonic()


FAULTS: dict[str, tuple[Callable[[TCPProxy], None], str, float]] = {
    "cut": (lambda proxy: proxy.cut(), "broke", SOON),
    "truncated": (lambda proxy: proxy.truncate(100_000), "broke: it was closed", SOON),
    "late": (lambda proxy: proxy.delay(60), "was silent|did not acknowledge|took nothing", 1.25 * LINK_TIMEOUT + SOON),
    "swallowed": (lambda proxy: proxy.blackhole(), "was silent|did not acknowledge", 1.25 * LINK_TIMEOUT + SOON),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_connection_that_fails_ends_the_job_and_is_named(fault: str) -> None:
    fail, said, within = FAULTS[fault]
    with TCPNetwork(2, link_timeout=LINK_TIMEOUT) as network:
        once = Once(lambda: fail(network.proxies[1]))
        job = BSPJob(exchange, peers=3, processes=2, transport=network.transport, on_progress=once)
        with pytest.raises(LinkLost, match=said) as caught:
            job.run()
        assert time.monotonic() - once.at < within
    text = str(caught.value)
    assert "the link from peer 0 (process 0 at 127.0.0.1:" in text
    assert "to peers 1-2 (process 1 at 127.0.0.1:" in text


def test_a_delay_below_the_timeout_is_waited_for() -> None:
    with TCPNetwork(2, link_timeout=LINK_TIMEOUT) as network:
        once = Once(lambda: network.proxies[1].delay(0.1))
        job = BSPJob(exchange, 2, 2, args=(8,), transport=network.transport, on_progress=once)
        assert job.run() == 8 * 200_000
        assert not math.isnan(once.at)


def test_silence_before_the_job_has_begun_is_named() -> None:
    with TCPNetwork(2, link_timeout=LINK_TIMEOUT) as network:
        network.proxies[1].blackhole()
        with pytest.raises(LinkLost, match=r"process 1 cannot be reached at 127.0.0.1|was not opened within 2 s"):
            BSPJob(exchange, 2, 2, args=(8,), transport=network.transport).run()


def tell_pid(peer: Peer, end: str) -> None:
    peer.progress(peer.broadcast(os.getpid(), root=2))
    while True:
        peer.sync()
        if peer.index == 2 and peer.superstep == 5:
            {"exit": lambda: os._exit(3), "raise": lambda: 1 / 0, "go on": lambda: None}[end]()
        if peer.index == 0 and peer.superstep % 2:
            peer.send(2, np.ones(300_000))


def ended(end: str, on_progress: Callable[[Any], None] | None, error: type[BSPError], said: str) -> BSPError:
    transport = TCP(link_timeout=LINK_TIMEOUT)
    job = BSPJob(tell_pid, 4, 2, args=(end,), transport=transport, on_progress=on_progress)
    with pytest.raises(error, match=said) as caught:
        job.run()
    return caught.value


def test_a_killed_worker_is_named_rather_than_its_links() -> None:
    marks = []

    def kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        marks.append(time.monotonic())

    error = ended("go on", kill, PeerLost, r"peers 2-3 \(process 1, pid \d+\) was killed by SIGKILL")
    assert time.monotonic() - marks[0] < SOON
    assert not isinstance(error, LinkLost)


def test_an_exit_is_named_rather_than_its_links() -> None:
    error = ended("exit", None, PeerLost, r"peers 2-3 \(process 1, pid \d+\) exited with code 3")
    assert not isinstance(error, LinkLost)


def test_an_exception_is_named_rather_than_its_links() -> None:
    ended("raise", None, PeerFailed, "peer 2 raised ZeroDivisionError")


def test_a_stopped_worker_is_given_up_after_the_timeout() -> None:
    marks, pids = [], []

    def stop(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)
        marks.append(time.monotonic())

    ended("go on", stop, LinkLost, r"peers 2-3 \(process 1.*(was silent|did not acknowledge|took nothing)")
    assert time.monotonic() - marks[0] < 1.25 * LINK_TIMEOUT + SOON
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_lost_link_is_a_reason_to_start_again() -> None:
    with TCPNetwork(2, link_timeout=LINK_TIMEOUT) as network:
        proxy = network.proxies[1]

        def once(superstep: int) -> None:
            if superstep == 3 and not done:
                done.append(superstep)
                for link in list(proxy.links):
                    link.cut()

        done: list[int] = []
        job = BSPJob(exchange, 2, 2, args=(8,), transport=network.transport, on_progress=once, max_restarts=1)
        assert job.run() == 8 * 200_000
    assert [type(failure) for failure in job.failures] == [LinkLost]


STRANGERS: dict[str, bytes] = {
    "garbage": bytes(range(256)) * 40,
    "web": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + bytes(200),
    "silent": b"",
    "half": b"HornBSP1",
    "giant header": b"HornBSP1" + b"\xff" * 200,
}


def test_strangers_do_not_disturb_a_job() -> None:
    with TCPNetwork(2, link_timeout=LINK_TIMEOUT) as network:
        strangers: list[socket.socket] = []

        def intrude() -> None:
            for port in network.ports:
                for said in STRANGERS.values():
                    stranger = socket.create_connection(("127.0.0.1", port), timeout=5)
                    strangers.append(stranger)
                    stranger.sendall(said)
                strangers.extend(socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(100))

        once = Once(intrude)
        job = BSPJob(exchange, 3, 2, args=(20,), transport=network.transport, on_progress=once)
        try:
            assert job.run() == 20 * 200_000
        finally:
            for stranger in strangers:
                stranger.close()
    assert len(strangers) == 2 * (len(STRANGERS) + 100)


def test_ports_in_use_are_told() -> None:
    with TCPNetwork(2) as network, socket.create_server(("127.0.0.1", network.ports[0])):
        taken = TCP(port=(network.ports[0], network.ports[0]))
        with pytest.raises(BSPError, match=rf"cannot listen on port {network.ports[0]} of 127.0.0.1: .*in use"):
            BSPJob(exchange, 2, 2, args=(1,), transport=taken).run()
