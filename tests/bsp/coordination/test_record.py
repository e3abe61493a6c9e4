"""A job's znodes from the launcher's side: created at once, removed by one at a time, attempt after attempt."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from kazoo.client import TransactionRequest
from kazoo.exceptions import ConnectionLoss, NoNodeError

from horn.bsp import BSPError, ZooKeeper
from horn.bsp.coordination.layout import JobLayout
from horn.bsp.coordination.record import JobRecord
from horn.bsp.coordination.removal import remove_job
from horn.bsp.coordination.session import Session
from horn.bsp.placement import Placement
from horn.bsp.testing import ZooKeeperServer

PLACEMENT = Placement(peers=4, processes=2)


@pytest.fixture
def settings(zookeeper: ZooKeeperServer) -> ZooKeeper:
    return ZooKeeper(zookeeper.address, session_timeout=1.0)


@pytest.fixture
def look(settings: ZooKeeper) -> Iterator[Session]:
    """A look into the server, in which no job is left at the end."""
    with closing(Session(settings)) as session:
        yield session
        assert session.children("/horn/jobs") == []


@pytest.fixture
def layout() -> JobLayout:
    return JobLayout("", f"record-{os.urandom(4).hex()}")


@pytest.fixture
def record(settings: ZooKeeper, layout: JobLayout, look: Session) -> Iterator[JobRecord]:
    with closing(JobRecord(settings, layout, PLACEMENT, {"seed": 3}, {"servers": 1})) as made:
        yield made


def test_what_a_job_is_can_be_read(record: JobRecord, layout: JobLayout, look: Session) -> None:
    told = {name: json.loads(look.get(f"{layout.root}/{name}")) for name in ("conf", "topology", "state", "attempt")}
    assert told["conf"]["seed"] == 3
    assert told["topology"] == {"servers": 1, "peers": 4, "processes": [[0, 1], [2, 3]]}
    assert (told["state"], told["attempt"]) == ("running", 1)
    assert json.loads(look.get(f"{layout.root}/launcher"))["pid"] == os.getpid()


def test_a_second_job_of_the_name_is_refused_and_harms_nothing(
    record: JobRecord, settings: ZooKeeper, layout: JobLayout, look: Session
) -> None:
    with pytest.raises(BSPError, match="is running already"):
        JobRecord(settings, layout, PLACEMENT, {})
    assert look.exists(layout.members)


def test_an_attempt_replaces_the_one_before(record: JobRecord, layout: JobLayout, look: Session) -> None:
    look.create(layout.member(0), ephemeral=True)
    look.create(layout.left(1))
    look.create(layout.step("world", 7), makepath=True)
    look.create(layout.info("address"))
    second = record.begin(2, Placement(4, 1))
    assert json.loads(look.get(layout.current)) == 2
    assert json.loads(look.get(f"{layout.root}/topology")) == {"servers": 1, "peers": 4, "processes": [[0, 3]]}
    for path in (layout.members, layout.departures, layout.sync, layout.info("address")):
        assert not look.exists(path)
    for path in (second.members, second.departures, second.sync):
        assert look.exists(path)
    with pytest.raises(BSPError, match="in attempt 2: the next must have a higher number, got 2"):
        record.begin(2, PLACEMENT)


def test_an_old_attempt_can_write_nothing(record: JobRecord, layout: JobLayout, look: Session) -> None:
    record.begin(2, PLACEMENT)
    for path in (layout.member(0), layout.left(0), layout.step("world", 0), layout.group("world")):
        with pytest.raises(NoNodeError):
            look.create(path)


def test_a_job_with_a_living_launcher_is_not_removed(record: JobRecord, layout: JobLayout, look: Session) -> None:
    assert not remove_job(look, layout.root)
    assert look.exists(layout.members)
    assert not look.exists(f"{layout.root}/sweeper")


def test_one_at_a_time_removes_a_job(settings: ZooKeeper, layout: JobLayout, look: Session) -> None:
    look.create(f"{layout.root}/members/1", makepath=True)
    with closing(Session(settings)) as other:
        other.create(f"{layout.root}/sweeper", ephemeral=True)
        assert not remove_job(look, layout.root)
        assert look.exists(f"{layout.root}/members/1")
    assert remove_job(look, layout.root)
    assert not look.exists(layout.root)
    assert remove_job(look, layout.root), "what is gone is gone"


def test_what_dead_launchers_left_is_swept(look: Session, layout: JobLayout, settings: ZooKeeper) -> None:
    look.create(f"{layout.jobs}/dead/sync/1/world/3", makepath=True)
    with closing(JobRecord(settings, layout, PLACEMENT, {})):
        assert look.children(layout.jobs) == [layout.job]


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The connection breaks when the servers have carried out a transaction, and before they say so: each time once."""
    commit, answer, lost = TransactionRequest.commit_async, Session.answer, []

    def committed(self: TransactionRequest) -> Any:
        result = commit(self)
        transactions.append(result)
        return result

    def lose(self: Session, result: Any) -> Any:
        found = answer(self, result)
        if result in transactions and not any(isinstance(one, Exception) for one in found):
            lost.append(found)
            raise ConnectionLoss
        return found

    transactions: list[Any] = []
    monkeypatch.setattr(TransactionRequest, "commit_async", committed)
    monkeypatch.setattr(Session, "answer", lose)
    return lost


def test_lost_answers_are_no_other_job(
    look: Session, layout: JobLayout, settings: ZooKeeper, losses: list[Any]
) -> None:
    record = JobRecord(settings, layout, PLACEMENT, {})
    assert len(losses) == 1
    record.begin(2, PLACEMENT)
    assert len(losses) == 2
    assert json.loads(look.get(layout.current)) == 2
    record.close()
    assert len(losses) == 3
    assert not look.exists(layout.root)
