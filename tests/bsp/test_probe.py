"""The probe of r, g and l: the same numbers on all members, and the barrier's those of the barrier."""

import pytest

from horn.bsp import BSPJob, Machine, Peer
from horn.bsp.testing import fail_points


def probe(peer: Peer) -> tuple[Machine, int, list[object]]:
    peer.send(peer.index, "kept")
    peer.sync()
    machine = peer.probe()
    return machine, peer.superstep, peer.messages()


@pytest.mark.parametrize(("peers", "processes"), [(1, 1), (3, 1), (3, 2)])
def test_all_members_learn_the_same_and_nothing_else_changes(peers: int, processes: int) -> None:
    job = BSPJob(probe, peers, processes)
    machine, *_ = job.run()
    assert job.values == [(machine, 1, ["kept"])] * peers
    assert machine.rate > 1e6
    assert 0 <= machine.gap < 1e-5
    assert 0 < machine.latency < 1


def test_the_latency_is_that_of_the_slowest_process() -> None:
    with fail_points("barrier.arriving@process=1:sleep=0.01"):
        machine, *_ = BSPJob(probe, 2, 2).run()
    assert machine.latency >= 0.01


def test_a_prediction_is_work_and_communication_and_barriers() -> None:
    machine = Machine(rate=1e9, gap=1e-9, latency=1e-4)
    assert machine.predict(operations=2e9, volume=1e9, barriers=1000) == pytest.approx(2 + 1 + 0.1)


def of_regions(peer: Peer) -> Machine:
    with peer.split(peer.index % 2) as region:
        return region.probe()


def test_a_region_has_a_machine_of_its_own() -> None:
    job = BSPJob(of_regions, 4, 2)
    job.run()
    assert job.values[:2] == job.values[2:]
