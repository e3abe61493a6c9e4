"""Programs as chains of supersteps, and the vote by which all peers end together."""

from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer, PeerFailed, Superstep

SPREADS = [(1, 1), (4, 1), (4, 2), (3, 3)]


class Log:
    """What the instances of one peer have in common."""

    def __init__(self) -> None:
        self.calls: list[str] = []


class Noted(Superstep):
    """Notes what is called."""

    def __init__(self, name: str, log: Log, rounds: int) -> None:
        self.name, self.log, self.rounds = name, log, rounds

    def setup(self, peer: Peer) -> None:
        self.log.calls.append(f"setup {self.name}")

    def compute(self, peer: Peer) -> list[str]:
        self.log.calls.append(f"{self.name} {peer.superstep}")
        return self.log.calls

    def halt(self, peer: Peer) -> bool:
        # The peers come to their ends one after the other; the chain ends when the last one does.
        return peer.superstep >= self.rounds + peer.index

    def cleanup(self, peer: Peer) -> None:
        self.log.calls.append(f"cleanup {self.name}")
        peer.shared["clean"][peer.index] += 1


@pytest.mark.parametrize(("peers", "processes"), SPREADS)
def test_a_chain_runs_in_turn_until_all_agree_to_halt(peers: int, processes: int) -> None:
    log = Log()
    first, second = Noted("a", log, 3), Noted("b", log, 3)
    job = BSPJob([first, second, first], peers, processes, shared={"clean": np.zeros(peers, int)})
    last = 3 + peers - 1
    expected = [
        "setup a",
        "setup b",
        *(f"{'aba'[step % 3]} {step}" for step in range(last + 1)),
        "cleanup b",
        "cleanup a",
    ]
    assert job.run() == expected
    assert job.values == [expected] * peers
    assert job.shared["clean"].tolist() == [2] * peers
    assert log.calls == [], "each peer has copies of its own"


class Diffuse(Superstep):
    """Each peer takes the mean of itself and its neighbours on a ring."""

    value = 0.0

    def compute(self, peer: Peer) -> float:
        old = self.value
        self.value = sum(peer.messages()) / 3 if peer.superstep else float(peer.index == 0)
        self.change = abs(self.value - old)
        for step in (-1, 0, 1):
            peer.send((peer.index + step) % peer.num_peers, self.value)
        return self.value

    def halt(self, peer: Peer) -> bool:
        return self.change < 1e-6


def test_a_chain_of_one_class_converges_to_what_numpy_says() -> None:
    job = BSPJob([Diffuse], 5, 2)
    job.run()
    np.testing.assert_allclose(job.values, np.full(5, 0.2), atol=1e-5)


class Last(Superstep):
    """Sends in the superstep that ends the chain."""

    def compute(self, peer: Peer) -> None:
        peer.send((peer.index + 1) % peer.num_peers, peer.index)

    def halt(self, peer: Peer) -> bool:
        return True

    def cleanup(self, peer: Peer) -> None:
        peer.shared["got"][peer.index] = peer.messages()[0]


def test_what_was_sent_last_can_be_read_when_cleaning_up() -> None:
    job = BSPJob([Last()], 3, 2, shared={"got": np.zeros(3, int)})
    job.run()
    assert job.shared["got"].tolist() == [2, 0, 1]


class Fails(Superstep):
    """Fails on one peer, while the others are at the barrier."""

    def compute(self, peer: Peer) -> None:
        if peer.index == 1 and peer.superstep == 2:
            raise ValueError("no")

    def cleanup(self, peer: Peer) -> None:
        peer.shared["clean"][peer.index] += 1
        raise KeyError("not clean either")


@pytest.mark.parametrize("processes", [1, 3])
def test_all_that_was_set_up_is_cleaned_up_after_a_failure(processes: int) -> None:
    job = BSPJob([Fails, Fails()], 3, processes, shared={"clean": np.zeros(3, int)})
    with pytest.raises(PeerFailed, match="ValueError: no") as caught:
        job.run()
    assert caught.value.ranks == (1,), "the others' errors are but consequences"
    assert job.shared["clean"].tolist() == [2, 2, 2]


class Endless(Superstep):
    """Never halts."""

    def compute(self, peer: Peer) -> int:
        peer.progress(peer.superstep)
        return peer.superstep


def test_a_chain_ends_when_the_job_is_asked_to_stop() -> None:
    job = BSPJob([Endless], 3, 2, on_progress=lambda step: job.stop() if step == 5 else None)
    assert job.run() >= 5
    assert len(set(job.values)) == 1


def vote(peer: Peer) -> tuple[int, bool]:
    steps = 0
    while not peer.sync(halt=peer.index <= steps):
        steps += 1
    return steps, peer.sync()


@pytest.mark.parametrize(("peers", "processes"), SPREADS)
def test_a_function_can_vote_at_its_barriers(peers: int, processes: int) -> None:
    job = BSPJob(vote, peers, processes)
    job.run()
    assert job.values == [(peers - 1, False)] * peers


def vote_by_halves(peer: Peer) -> int:
    with peer.split(peer.index % 2) as half:
        while not half.sync(halt=half.superstep == 3 * (1 + peer.index % 2)):
            pass
        return half.superstep


def test_groups_vote_on_their_own() -> None:
    job = BSPJob(vote_by_halves, 4, 2)
    job.run()
    assert job.values == [4, 7, 4, 7]


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ([], {}, "one at least, got none"),
        ([Diffuse, print], {}, "a chain consists of supersteps, .* got <built-in function print>"),
        ([Diffuse], {"args": (1,)}, "takes no args and kwargs: give them to the supersteps' constructors"),
        (Diffuse, {}, "a chain of supersteps is given as a list, also one of a single Diffuse"),
        (Diffuse(), {}, "a chain of supersteps is given as a list"),
        ("Diffuse", {}, "a program is a function of the peer, a BSP, or a list of supersteps, got 'Diffuse'"),
    ],
)
def test_what_is_no_chain_is_refused(program: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BSPError, match=said):
        BSPJob(program, 2, **arguments)


def test_a_job_is_named_after_its_chain() -> None:
    assert BSPJob([Diffuse, Endless()], 1).name.startswith("Diffuse-Endless-")
