"""Where the processes of a job meet: `barrier=`, for each transport, with ZooKeeper and without."""

from typing import Any

import pytest
from kazoo.client import KazooClient

from horn.bsp import BSPJob, Peer, ZooKeeper
from horn.bsp.testing import ZooKeeperServer

ROUNDS = 12


def meet(peer: Peer) -> list[int]:
    found = []
    while peer.superstep < ROUNDS:
        peer.progress(peer.superstep)
        peer.send((peer.index + 1) % peer.num_peers, peer.superstep)
        peer.sync()
        found += peer.messages()
    return found


@pytest.mark.parametrize(
    ("settings", "in_zookeeper"),
    [
        ({}, False),
        ({"transport": "tcp"}, True),
        ({"participants": "process"}, True),
        ({"participants": "process", "barrier": "direct"}, False),
        ({"transport": "tcp", "barrier": "direct"}, False),
        ({"barrier": "zookeeper"}, True),
    ],
    ids=str,
)
def test_a_job_under_zookeeper_meets_where_it_is_told(
    zookeeper: ZooKeeperServer, settings: dict[str, Any], in_zookeeper: bool
) -> None:
    participants = settings.get("participants", "host")
    rest = {name: value for name, value in settings.items() if name != "participants"}
    client = KazooClient(hosts=zookeeper.address)
    client.start(timeout=10)
    steps: list[int] = []

    def look(superstep: int) -> None:
        path = f"/horn/jobs/{job.name}/sync/1/world"
        steps.extend(int(step) for step in (client.get_children(path) if client.exists(path) else ()))

    job = BSPJob(
        meet, 3, 2, zookeeper=ZooKeeper(zookeeper.address, participants=participants), on_progress=look, **rest
    )
    try:
        assert job.run() == list(range(ROUNDS))
    finally:
        client.stop()
        client.close()
    assert (max(steps, default=0) > ROUNDS // 2) == in_zookeeper


def test_sockets_alone_meet_directly() -> None:
    assert BSPJob(meet, 3, 2, transport="tcp").run() == list(range(ROUNDS))
