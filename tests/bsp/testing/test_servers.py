"""The throwaway ZooKeeper servers, asked by kazoo itself: they serve, fail and come back as their texts say."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss
from kazoo.handlers.threading import KazooTimeoutError

from horn.bsp.testing import ZooKeeperEnsemble, ZooKeeperServer, expire, make_certificates

PATIENCE = 30.0


@contextlib.contextmanager
def connected(address: str, patience: float = PATIENCE, **options: Any) -> Iterator[KazooClient]:
    client = KazooClient(address, timeout=4.0, **options)
    try:
        client.start(timeout=patience)
        yield client
    finally:
        client.stop()
        client.close()


def persist(request: Callable[[], Any]) -> Any:
    """Repeat a request until the ensemble has found itself again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return request().get(timeout=PATIENCE)
        except ConnectionLoss:
            assert time.monotonic() < deadline, "the connection stays lost"
            time.sleep(0.02)


def test_a_server_keeps_its_data_until_it_is_wiped(own_zookeeper: ZooKeeperServer) -> None:
    with connected(own_zookeeper.address) as client:
        client.create_async("/kept", b"1").get(timeout=PATIENCE)
    own_zookeeper.stop()
    own_zookeeper.start()
    with connected(own_zookeeper.address) as client:
        assert client.get_async("/kept").get(timeout=PATIENCE)[0] == b"1"
    with pytest.raises(RuntimeError, match="stop it before its data is wiped"):
        own_zookeeper.wipe()
    own_zookeeper.stop()
    own_zookeeper.wipe()
    own_zookeeper.start()
    with connected(own_zookeeper.address) as client:
        assert client.exists_async("/kept").get(timeout=PATIENCE) is None


def test_an_ensemble_serves_without_its_leader_and_keeps_the_session(ensemble: ZooKeeperEnsemble) -> None:
    leader = ensemble.leader()
    with connected(ensemble.address) as client:
        before = client.client_id
        client.create_async("/ensemble", b"1", ephemeral=True).get(timeout=PATIENCE)
        ensemble.kill(leader)
        assert ensemble.quorum
        assert ensemble.leader() != leader
        persist(lambda: client.set_async("/ensemble", b"2"))
        assert client.get_async("/ensemble").get(timeout=PATIENCE)[0] == b"2"
        assert client.client_id == before


def test_an_ensemble_without_a_quorum_serves_nobody_until_it_is_restored(ensemble: ZooKeeperEnsemble) -> None:
    first, second = ensemble.leader(), (ensemble.leader() + 1) % ensemble.size
    ensemble.kill(first)
    ensemble.kill(second)
    assert not ensemble.quorum
    with pytest.raises(RuntimeError, match="no leader: 1 of 3 servers of the ensemble run"):
        ensemble.leader()
    with pytest.raises(KazooTimeoutError), connected(ensemble.address, patience=0.5):
        pass
    ensemble.restore()
    assert ensemble.running == [0, 1, 2]
    with connected(ensemble.address) as client:
        assert client.exists_async("/zookeeper").get(timeout=PATIENCE)


@pytest.mark.parametrize("knows_password", [True, False])
def test_an_expired_session_is_lost_to_its_client(zookeeper: ZooKeeperServer, knows_password: bool) -> None:
    lost = threading.Event()
    with connected(zookeeper.address) as client:
        client.create_async("/mine", b"", ephemeral=True).get(timeout=PATIENCE)
        found = client.exists_async("/mine").get(timeout=PATIENCE)
        assert found
        assert client.client_id
        client.add_listener(lambda state: lost.set() if state == "LOST" else None)
        expire(zookeeper.address, found.ephemeralOwner, client.client_id[1] if knows_password else None)
        assert lost.wait(PATIENCE)
    with connected(zookeeper.address) as other:
        assert other.exists_async("/mine").get(timeout=PATIENCE) is None


def test_a_session_that_nobody_has_cannot_be_expired(zookeeper: ZooKeeperServer) -> None:
    with pytest.raises(RuntimeError, match="knows no session 0x7b with this password"):
        expire(zookeeper.address, 123)


@pytest.fixture(scope="module")
def tls_server() -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer(tls=True) as server:
        yield server


def test_a_server_with_tls_serves_whom_its_authority_has_signed(tls_server: ZooKeeperServer) -> None:
    files = tls_server.certificates
    with connected(
        tls_server.address, use_ssl=True, ca=str(files.ca), certfile=str(files.client), keyfile=str(files.client_key)
    ) as client:
        assert client.exists_async("/zookeeper").get(timeout=PATIENCE)


def test_a_server_with_tls_refuses_a_client_in_the_clear(tls_server: ZooKeeperServer) -> None:
    with pytest.raises(KazooTimeoutError), connected(tls_server.address, patience=1.0):
        pass


def test_certificates_hold_for_one_authority_only(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    one, other = make_certificates(ours), make_certificates(theirs)

    def verifies(ca: Path, certificate: Path) -> bool:
        return (
            subprocess.run(
                ["openssl", "verify", "-CAfile", ca, certificate], capture_output=True, check=False
            ).returncode
            == 0
        )

    assert verifies(one.ca, one.server)
    assert verifies(one.ca, one.client)
    assert not verifies(one.ca, other.server)


def test_a_server_without_tls_has_no_certificates(zookeeper: ZooKeeperServer) -> None:
    with pytest.raises(RuntimeError, match="make the server with tls=True"):
        _ = zookeeper.certificates


def test_two_servers_make_no_ensemble() -> None:
    with pytest.raises(ValueError, match="at least 3 servers, got 2"):
        ZooKeeperEnsemble(2)
