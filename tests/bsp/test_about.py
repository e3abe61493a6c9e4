"""What a peer knows of its job, and of where the peers live."""

import re
import socket
from typing import Any

import pytest

from horn.bsp import BSPError, BSPJob, Peer
from horn.bsp.about import About
from horn.bsp.placement import Placement


def tell(peer: Peer) -> dict[str, Any]:
    with pytest.raises(TypeError):
        peer.conf["rate"] = 3
    return {
        "name": peer.name,
        "names": peer.names,
        "peers of host": peer.peers_of_host,
        "task id": peer.task_id,
        "conf": dict(peer.conf),
    }


def test_a_peer_knows_its_name_its_job_and_its_configuration(placement: dict[str, Any]) -> None:
    conf = {"rate": 0.5, "layers": [3, 4], "deep": {"on": True, "none": None}}
    job = BSPJob(tell, **placement, name="told", conf=conf)
    job.run()
    where = Placement(placement["peers"], placement["processes"])
    names = [f"{socket.gethostname()}:{where.process_of(rank)}.{rank}" for rank in range(where.peers)]
    for rank, value in enumerate(job.values):
        assert value == {
            "name": names[rank],
            "names": names,
            "peers of host": list(range(where.peers)),
            "task id": f"told-1-{rank}",
            "conf": conf,
        }


def test_peers_of_other_hosts_are_told_apart() -> None:
    about = About("job", 1, ["a", "b", "a"], {})
    placement = Placement(7, 3)
    assert about.peers_of_host(0, placement) == [*placement.ranks(0), *placement.ranks(2)]
    assert about.peers_of_host(1, placement) == list(placement.ranks(1))
    assert about.name_of(placement.ranks(1)[0], placement) == f"b:1.{placement.ranks(1)[0]}"


@pytest.mark.parametrize("conf", [{"x": object()}, {"x": (1, 2)}, {3: "x"}, {"x": float("nan")}])
@pytest.mark.parametrize("name", ["conf", "topology"])
def test_a_configuration_that_cannot_travel_is_refused(name: str, conf: dict[Any, Any]) -> None:
    given: dict[str, Any] = {name: conf}
    with pytest.raises(BSPError, match=re.escape(f"{name} must be plain data, as JSON holds it")):
        BSPJob(tell, 1, **given)


def where(peer: Peer) -> tuple[int, int]:
    return peer.process, peer.allreduce(peer.index)


@pytest.mark.parametrize("transport", ["shared", "tcp"])
def test_processes_may_hold_different_numbers_of_peers(transport: str) -> None:
    job = BSPJob(where, 4, [1, 3], transport=transport)
    job.run()
    assert job.values == [(0, 6), (1, 6), (1, 6), (1, 6)]
    placement = Placement.of(4, [1, 3])
    assert [placement.process_of(peer) for peer in range(4)] == [0, 1, 1, 1]
    assert [placement.bounds(process) for process in (0, 1)] == [(0, 0), (1, 3)]


@pytest.mark.parametrize("sizes", [[1, 2], [4, 0], [5, -1], [4, 1]])
def test_sizes_of_processes_that_do_not_add_up_are_refused(sizes: list[int]) -> None:
    with pytest.raises(BSPError, match=r"at least 1 each and add up to 4"):
        BSPJob(where, 4, sizes)
