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
def test_a_configuration_that_cannot_travel_is_refused(conf: dict[Any, Any]) -> None:
    with pytest.raises(BSPError, match=re.escape("conf must be plain data, as JSON holds it")):
        BSPJob(tell, 1, conf=conf)
