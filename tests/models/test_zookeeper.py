"""Training coordinated by a real ZooKeeper."""

import json
import logging
import socket
import time
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from horn.bsp import CoordinatorLost
from horn.bsp.testing import ZooKeeperServer, must_have_zookeeper, zookeeper_missing


@pytest.fixture(scope="module")
def session() -> Iterator[tuple[str, KazooClient]]:
    """A server's address, and a look into it."""
    missing = zookeeper_missing()
    if missing and not must_have_zookeeper():
        pytest.skip(missing)
    with ZooKeeperServer() as server:
        look = KazooClient(server.address)
        look.start(timeout=10)
        yield server.address, look
        look.stop()
        look.close()


class Look(logging.Handler):
    """Lists the jobs whenever a look at the validation examples is logged."""

    def __init__(self, client: KazooClient) -> None:
        super().__init__()
        self.client = client
        self.seen: list[list[str]] = []
        self.topologies: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "validation" in record.getMessage():
            jobs = self.client.get_children("/horn/jobs")
            self.seen += [sorted(self.client.get_children(f"/horn/jobs/{job}/members/1")) for job in jobs]
            self.topologies += [json.loads(self.client.get(f"/horn/jobs/{job}/topology")[0]) for job in jobs]


def test_the_job_is_seen_while_it_runs_and_gone_after(build, task, same_weights, session):
    address, look = session
    handler, log = Look(look), logging.getLogger("horn.models")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        coordinated, embedded = build(), build()
        data = {"iterations": 90, "batch_size": 8, "workers": 2, "validation": task, "validate_every": 30}
        coordinated.fit(*task, zookeeper=address, **data)
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    embedded.fit(*task, **data)
    assert same_weights(coordinated, embedded)
    assert ["0", "1"] in handler.seen
    told = handler.topologies[0]
    assert (told["replicas"], told["servers"]) == (2, 0)
    assert told["roles"] == ["group 0, replica 0, task 0", "group 0, replica 1, task 0"]
    assert look.get_children("/horn/jobs") == []


@pytest.mark.parametrize("barrier", ["direct", "zookeeper"])
def test_workers_meet_where_they_are_told_to(build, task, same_weights, session, barrier):
    coordinated, embedded = build(), build()
    data = {"iterations": 3, "batch_size": 8, "workers": 2, "processes": 2}
    coordinated.fit(*task, zookeeper=session[0], barrier=barrier, **data)
    embedded.fit(*task, **data)
    assert same_weights(coordinated, embedded)


def test_one_worker_under_zookeeper_is_a_job_too(build, task, same_weights, session):
    coordinated, alone = build(), build()
    coordinated.fit(*task, iterations=3, batch_size=8, zookeeper=session[0])
    alone.fit(*task, iterations=3, batch_size=8)
    assert same_weights(coordinated, alone, atol=1e-6)


def test_a_server_that_is_not_there_is_named_within_ten_seconds(build, task, same_weights):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        begin = time.monotonic()
        nn = build()
        with pytest.raises(CoordinatorLost, match=address):
            nn.fit(*task, iterations=1, batch_size=8, workers=2, zookeeper=address)
        assert time.monotonic() - begin < 11
    assert same_weights(nn, build())
