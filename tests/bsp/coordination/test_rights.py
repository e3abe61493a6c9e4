"""Who may see and touch a job's znodes, and how the way to them is protected: with real servers."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError, NoNodeError
from kazoo.security import make_digest_acl

from horn.bsp import TLS, BSPError, BSPJob, CoordinatorLost, LocalLauncher, Peer, WorkerHandle, ZooKeeper
from horn.bsp.coordination import session
from horn.bsp.testing import ZooKeeperServer

AUTH = ("horn", "s3cret")


@pytest.fixture
def stranger(zookeeper: ZooKeeperServer) -> Iterator[KazooClient]:
    """An anonymous client."""
    yield from connected(zookeeper, None)


@pytest.fixture
def owner(zookeeper: ZooKeeperServer) -> Iterator[KazooClient]:
    """A client with the job's name and password; removes what the test has made under /private."""
    for client in connected(zookeeper, AUTH):
        yield client
        client.delete("/private", recursive=True)


def connected(server: ZooKeeperServer, auth: tuple[str, str] | None) -> Iterator[KazooClient]:
    client = KazooClient(server.address, auth_data=[("digest", ":".join(auth))] if auth else None)
    client.start(timeout=10)
    try:
        yield client
    finally:
        client.stop()
        client.close()


class NeverLauncher(LocalLauncher):
    """No worker may be started."""

    def start(self, *_: object) -> list[WorkerHandle]:
        raise AssertionError("a worker was started")


def tell(peer: Peer) -> int:
    peer.sync()
    peer.progress(None)
    while not peer.stopping:
        peer.sync()
    return peer.num_peers


def tree(client: KazooClient, path: str) -> list[str]:
    try:
        return [path, *(node for name in client.get_children(path) for node in tree(client, f"{path}/{name}"))]
    except NoNodeError:  # barriers come and go while we look
        return []


@pytest.mark.parametrize("participants", ["host", "process"])
def test_all_that_horn_creates_is_its_users_alone(
    zookeeper: ZooKeeperServer, owner: KazooClient, stranger: KazooClient, participants: Any
) -> None:
    acls: dict[str, Any] = {}

    def look(_: object) -> None:
        for path in tree(owner, "/private"):
            with contextlib.suppress(NoNodeError):
                acls[path] = owner.get_acls(path)[0]
        for refused in (
            lambda: stranger.get("/private/horn/jobs/mine/conf"),
            lambda: stranger.get_children("/private/horn/jobs"),
            lambda: stranger.create("/private/horn/jobs/forged"),
            lambda: stranger.create("/private/horn/jobs/mine/abort/1"),
            lambda: stranger.delete("/private/horn/jobs/mine/launcher"),
            lambda: stranger.delete("/private/horn/jobs/mine/members/1/0"),
        ):
            with pytest.raises(NoAuthError):
                refused()
        job.stop()

    settings = ZooKeeper(f"{zookeeper.address}/private", participants=participants, auth=AUTH)
    job = BSPJob(tell, 2, 2, zookeeper=settings, name="mine", on_progress=look)
    assert job.run() == 2
    assert {"/private", "/private/horn", "/private/horn/jobs", "/private/horn/jobs/mine/members/1/0"} <= set(acls)
    assert all(acl == [make_digest_acl(*AUTH, all=True)] for acl in acls.values()), acls
    assert owner.get_children("/private/horn/jobs") == []


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        (None, r"no rights at /private.* for anonymous: .* Give ZooKeeper\(auth="),
        (("horn", "wrong"), "no rights at /private.* for the user 'horn': .* Check the password"),
    ],
)
def test_without_rights_no_worker_is_started(
    zookeeper: ZooKeeperServer, owner: KazooClient, auth: Any, said: str
) -> None:
    owner.create("/private", acl=[make_digest_acl(*AUTH, all=True)])
    job = BSPJob(tell, 1, zookeeper=ZooKeeper(f"{zookeeper.address}/private/deep", auth=auth), launcher=NeverLauncher())
    with pytest.raises(BSPError, match=said) as caught:
        job.run()
    assert "wrong" not in str(caught.value)
    assert owner.get_children("/private") == []


def test_rights_below_a_path_that_exists_are_asked_for_before_any_worker_starts(
    zookeeper: ZooKeeperServer, owner: KazooClient
) -> None:
    acl = [make_digest_acl(*AUTH, all=True)]
    owner.create("/private/horn/jobs", acl=acl, makepath=True)
    job = BSPJob(tell, 1, zookeeper=f"{zookeeper.address}/private", launcher=NeverLauncher())
    with pytest.raises(BSPError, match=r"no rights at /private/horn/jobs .* for anonymous"):
        job.run()


def test_a_user_does_not_share_a_path_that_is_open_to_all(
    zookeeper: ZooKeeperServer, owner: KazooClient, stranger: KazooClient
) -> None:
    stranger.create("/private/horn/jobs", makepath=True)
    job = BSPJob(tell, 1, zookeeper=ZooKeeper(f"{zookeeper.address}/private", auth=AUTH), launcher=NeverLauncher())
    with pytest.raises(BSPError, match=r"/private/horn in ZooKeeper at .* is open to everybody"):
        job.run()


@pytest.fixture(scope="module")
def secure() -> Iterator[ZooKeeperServer]:
    """A server that speaks TLS only, and asks for certificates."""
    with ZooKeeperServer(tls=True) as server:
        yield server


def test_a_job_over_tls(secure: ZooKeeperServer) -> None:
    files = secure.certificates
    settings = ZooKeeper(secure.address, tls=TLS(files.ca, files.client, files.client_key), auth=AUTH)
    job = BSPJob(tell, 2, 2, zookeeper=settings, on_progress=lambda _: job.stop())
    assert job.run() == 2


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience with a server that does not let us in."""
    monkeypatch.setattr(session, "CONNECT_SECONDS", 1.0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("certificate", [True, False])
def test_tls_names_what_is_wrong(secure: ZooKeeperServer, certificate: bool) -> None:
    """A server that nobody vouches for; and a client that the server does not know."""
    files = secure.certificates
    tls = TLS(certificate=files.client, key=files.client_key) if certificate else TLS(files.ca)
    job = BSPJob(tell, 1, zookeeper=ZooKeeper(secure.address, tls=tls), launcher=NeverLauncher())
    with pytest.raises(
        CoordinatorLost, match=r"CERTIFICATE_VERIFY_FAILED|(?i:bad certificate|certificate required|closed|reset)"
    ):
        job.run()


@pytest.mark.usefixtures("hasty")
def test_plain_text_to_a_server_with_tls_is_refused(secure: ZooKeeperServer) -> None:
    job = BSPJob(tell, 1, zookeeper=secure.address, launcher=NeverLauncher())
    with pytest.raises(CoordinatorLost, match="no TLS asked for there"):
        job.run()
