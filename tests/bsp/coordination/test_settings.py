"""What is said of settings that make no sense, and that the password stays out of every text."""

import json
from typing import Any

import pytest

from horn.bsp import TLS, BSPError, BSPJob, Peer, ZooKeeper


def test_the_text_is_short_for_the_settings() -> None:
    short = ZooKeeper.of("zk1:2181,[::1]:2182/tenant/a/")
    assert short == ZooKeeper("zk1:2181,[::1]:2182/tenant/a/")
    assert (short.servers, short.chroot) == ("zk1:2181,[::1]:2182", "/tenant/a")
    assert ZooKeeper.of(short) is short
    assert ZooKeeper.of("zk1:2181").chroot == ""


def test_the_password_is_shown_nowhere_but_travels() -> None:
    settings = ZooKeeper("a:1", auth=("horn", "s3cret"))
    assert "s3cret" not in f"{settings!r} {settings}"
    assert ZooKeeper.restored(json.loads(json.dumps(settings.plain()))) == settings


def test_a_tuple_with_a_mistake_is_refused_without_showing_it() -> None:
    for auth in (("horn:x", "s3cret"), ("horn", ""), ("horn",), ["horn", "s3cret"], "horn:s3cret"):
        with pytest.raises(BSPError, match="auth") as caught:
            ZooKeeper("a:1", auth=auth)  # type: ignore[arg-type]
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hosts": "localhost"}, "zookeeper must be"),
        ({"hosts": ["a:1"]}, r"zookeeper must be .* got \['a:1'\]"),
        ({"hosts": "a:1,,b:2"}, "zookeeper must be"),
        ({"hosts": "a:1/b c"}, "zookeeper must be"),
        ({"session_timeout": 0.05}, "session_timeout must be at least 0.1 s, got 0.05"),
        ({"session_timeout": float("nan")}, "session_timeout must be"),
        ({"session_timeout": "10"}, "session_timeout must be at least 0.1 s, got '10'"),
        ({"participants": "rack"}, 'participants must be "host" or "process", got \'rack\''),
        ({"tls": True}, r"tls must be TLS\(.* got True"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BSPError, match=said):
        ZooKeeper(**{"hosts": "a:1", **arguments})


def test_files_that_cannot_be_used_are_named(tmp_path: Any) -> None:
    with pytest.raises(BSPError, match=r"TLS\(ca='/nowhere/ca\.pem'\) cannot be used: .*No such file"):
        TLS(ca="/nowhere/ca.pem")
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    with pytest.raises(BSPError, match=r"junk\.pem.* cannot be used"):
        TLS(ca=junk)
    with pytest.raises(BSPError, match="certificate and key together"):
        TLS(certificate=junk)


def nothing(peer: Peer) -> None:
    peer.sync()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"zookeeper": "localhost"}, "zookeeper must be"),
        ({"zookeeper": ["a:1", "b:2"]}, r"zookeeper must be .* got \['a:1', 'b:2'\]"),
        ({"zookeeper": "a:1", "name": "a/b"}, "a job's name consists of"),
    ],
)
def test_a_job_is_refused_before_anything_starts(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BSPError, match=said):
        BSPJob(nothing, 1, **arguments)
