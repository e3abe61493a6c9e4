"""A real ZooKeeper for the tests that need one."""

from collections.abc import Iterator

import pytest

from horn.bsp.testing import ZooKeeperServer, must_have_zookeeper, zookeeper_missing


def _new_server() -> ZooKeeperServer:
    missing = zookeeper_missing()
    if missing and not must_have_zookeeper():
        pytest.skip(missing)
    return ZooKeeperServer()


@pytest.fixture(scope="session")
def zookeeper() -> Iterator[ZooKeeperServer]:
    """A server that the tests share: leave it as it was."""
    with _new_server() as server:
        yield server


@pytest.fixture
def own_zookeeper() -> Iterator[ZooKeeperServer]:
    """A server that the test may stop and wipe."""
    with _new_server() as server:
        yield server
