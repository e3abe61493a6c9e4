"""FAULTS.md 2, 9 and 11 to 16 with a real ZooKeeper: what each process sees that nobody but the service watches."""

import signal
import time
from contextlib import closing

import pytest
from participants import Party

from horn.bsp import ZooKeeper
from horn.bsp.coordination.session import Session
from horn.bsp.testing import TCPProxy, ZooKeeperEnsemble, ZooKeeperServer, expire

T = 1.0
"""Session timeout, seconds: T of the fault plan."""
LOST = 4 / 3 * T + 1


def all_name(party: Party, lost: int, since: float, within: float) -> None:
    """All but one end with the error that names that one."""
    for rank, participant in enumerate(party.ranks):
        if rank != lost:
            when, told = participant.hear("error", within + 5)
            assert (told["error"], told["ranks"]) == ("PeerLost", [lost]), told
            assert when - since < within


def all_lose_the_service(party: Party, since: float, within: float) -> None:
    for participant in party.ranks:
        when, told = participant.hear("error", within + 5)
        assert told["error"] == "CoordinatorLost", told
        assert when - since < within


def none_is_ahead(party: Party) -> None:
    """Nobody has passed a barrier that the others did not come to."""
    reached = [participant.hear("error", 10)[1]["generation"] for participant in party.ranks]
    assert max(reached) - min(reached) <= 1


def test_2_a_killed_process_is_named_through_zookeeper_alone(zookeeper: ZooKeeperServer) -> None:
    with Party(ZooKeeper(zookeeper.address, T)) as party:
        all_name(party, 1, party.ranks[1].signal(signal.SIGKILL), 2 * T)


def test_9_a_stopped_process_is_given_up_and_what_it_does_later_is_refused(zookeeper: ZooKeeperServer) -> None:
    with Party(ZooKeeper(zookeeper.address, T)) as party:
        zombie = party.ranks[1]
        stopped = zombie.signal(signal.SIGSTOP)
        all_name(party, 1, stopped, 2 * T)
        second = party.restart(2)
        for participant in second:
            participant.hear("generation", 30)
        time.sleep(max(0.0, stopped + 3 * T - time.monotonic()))  # the fault: so long it stands still
        woken = zombie.signal(signal.SIGCONT)
        when, told = zombie.hear("error", 10)
        assert told["error"] in ("CoordinatorLost", "JobAborted"), told
        assert when - woken < T
        assert zombie.hear("published", 10)[1] == {"published": False}
        for participant in second:
            participant.hear("generation", 10, after=when)


def test_an_old_attempt_whose_session_lives_ends_itself(zookeeper: ZooKeeperServer) -> None:
    with Party(ZooKeeper(zookeeper.address, 10.0)) as party:
        first = party.ranks
        began = time.monotonic()
        second = party.restart(2)
        for participant in first:
            when, told = participant.hear("error", 10)
            assert told["error"] == "JobAborted"
            assert "attempt 1 of the job was superseded by attempt 2" in told["text"]
            assert when - began < 2.0
            assert participant.hear("published", 10)[1] == {"published": False}
        for participant in second:
            participant.hear("generation", 30)


def test_11_a_server_that_comes_back_keeps_the_session(own_zookeeper: ZooKeeperServer) -> None:
    with Party(ZooKeeper(own_zookeeper.address, 15.0)) as party:  # a server on a loaded machine takes seconds to start
        before = party.owners()
        own_zookeeper.stop()
        time.sleep(1.0)  # the fault: so long there is none
        own_zookeeper.start()
        back = time.monotonic()
        for participant in party.ranks:
            participant.hear("generation", 15, after=back)
        assert party.owners() == before


@pytest.mark.parametrize("wiped", [False, True])
def test_12_and_13_all_know_when_the_service_is_gone(own_zookeeper: ZooKeeperServer, wiped: bool) -> None:
    with Party(ZooKeeper(own_zookeeper.address, T)) as party:
        own_zookeeper.stop()
        lost = time.monotonic()
        if wiped:
            own_zookeeper.wipe()
            own_zookeeper.start()
        all_lose_the_service(party, lost, LOST)


def test_14_an_ensemble_goes_on_without_its_leader(ensemble: ZooKeeperEnsemble) -> None:
    with Party(ZooKeeper(ensemble.address, 6.0)) as party:
        before = party.owners()
        ensemble.kill(ensemble.leader())
        killed = time.monotonic()
        reached = max(participant.told[-1][1]["generation"] for participant in party.ranks)
        for participant in party.ranks:
            when, told = participant.hear("generation", 10, after=killed)
            while told["generation"] <= reached + 1:  # passed after the kill for certain
                when, told = participant.hear("generation", 10, after=when)
            assert when - killed < 3.0
        assert party.owners() == before


def test_14_an_ensemble_without_a_majority_is_lost(ensemble: ZooKeeperEnsemble) -> None:
    with Party(ZooKeeper(ensemble.address, T)) as party:
        ensemble.kill(0)
        ensemble.kill(1)
        all_lose_the_service(party, time.monotonic(), LOST)


def test_15_a_process_whose_session_expires_stops_and_the_others_name_it(zookeeper: ZooKeeperServer) -> None:
    with Party(ZooKeeper(zookeeper.address, T)) as party:
        expired = time.monotonic()
        expire(zookeeper.address, party.owners()[1])
        when, told = party.ranks[1].hear("error", 10)
        assert told["error"] == "CoordinatorLost"
        assert "expired" in told["text"]
        assert when - expired < 1.0
        all_name(party, 1, expired, 2 * T)
        none_is_ahead(party)


def test_16_both_sides_stop_when_one_is_cut_off(zookeeper: ZooKeeperServer) -> None:
    with (
        TCPProxy("127.0.0.1", zookeeper.port) as proxy,
        Party(ZooKeeper(zookeeper.address, T), addresses={1: proxy.address}) as party,
    ):
        proxy.blackhole()
        cut = time.monotonic()
        when, told = party.ranks[1].hear("error", 10)
        assert told["error"] == "CoordinatorLost"
        assert when - cut < 2 * T
        all_name(party, 1, cut, 2 * T)
        none_is_ahead(party)


def test_a_handshake_that_is_swallowed_costs_a_part_of_the_session(zookeeper: ZooKeeperServer) -> None:
    """A server that is just starting may leave it unanswered: the next attempt comes while the session lives."""
    with TCPProxy("127.0.0.1", zookeeper.port) as proxy, closing(Session(ZooKeeper(proxy.address, 3.0))) as session:
        before, first = session.id, proxy.links
        proxy.blackhole()
        for link in first:
            link.cut()
        deadline = time.monotonic() + 10
        while not (set(proxy.links) - set(first)) and time.monotonic() < deadline:
            time.sleep(0.005)
        proxy.heal()
        assert session.children("/") is not None
        assert session.id == before
