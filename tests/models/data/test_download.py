"""What is downloaded is what was published, whole or not at all, whatever the mirrors do."""

import gzip
import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from horn.models.data import DataError, DataUnavailable, handwritten, mnist
from horn.models.data.download import fetch


def cached(tmp_path: Path) -> list[str]:
    """Names of what lies in the cache, hidden files included."""
    return sorted(path.name for path in (tmp_path / "cache/data/mnist").glob("*"))


def test_download_is_decoded_and_kept(mirror, contents, tmp_path):
    data = mnist(mirrors=[mirror.address])
    again = mnist(mirrors=[mirror.address])

    images = np.frombuffer(contents["train-images"][16:], np.uint8).reshape(12, 6)
    np.testing.assert_array_equal(data.x_train.array, images)
    np.testing.assert_array_equal(data.y_test, np.frombuffer(contents["t10k-labels"][8:], np.uint8))
    np.testing.assert_array_equal(again.x_train.array, images)
    assert cached(tmp_path) == sorted(contents)
    assert set(mirror.requests.values()) == {1}


def test_the_next_mirror_is_asked(make_mirror, contents):
    absent, whole = make_mirror(), make_mirror()
    absent.serve = lambda body: None
    mnist(mirrors=[absent.address, whole.address + "/"])
    assert sum(whole.requests.values()) == 4


def test_nobody_listens(contents, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, never listening
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(DataUnavailable, match=r"(?s)could not be downloaded.*refused.*HORN_DATA"):
            mnist(mirrors=[address])
    assert cached(tmp_path) == []


def test_silent_mirror_is_given_up(contents, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DataUnavailable, match="timed out"):
            fetch(handwritten.FILES[0], [address], tmp_path, timeout=0.05)


def test_slow_mirror_is_given_up(mirror, tmp_path):
    with pytest.raises(DataUnavailable, match="bytes in -1 s, the limit"):
        fetch(handwritten.FILES[0], [mirror.address], tmp_path, deadline=-1)


@pytest.mark.parametrize(
    ("serve", "announced", "reason"),
    [
        (lambda body: body[: len(body) // 2], len, "the connection ended after"),
        (lambda body: body[: len(body) // 2], lambda body: len(body) // 2, "is truncated"),
        (lambda body: gzip.compress(bytes(88)), lambda body: len(gzip.compress(bytes(88))), "wrong checksum"),
        (lambda body: gzip.compress(bytes(10**6)), lambda body: len(gzip.compress(bytes(10**6))), "too long"),
        (lambda body: b"<html>log in</html>", lambda body: 19, "is damaged"),
    ],
    ids=["broken off", "truncated", "other content", "bomb", "no gzip"],
)
def test_damaged_content_never_reaches_the_cache(serve, announced, reason, mirror, tmp_path):
    mirror.serve, mirror.announced = serve, announced
    with pytest.raises(DataUnavailable, match=reason):
        mnist(mirrors=[mirror.address])
    assert cached(tmp_path) == []


def test_an_interrupted_write_leaves_nothing(mirror, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"No space left on device.*HORN_CACHE"):
        mnist(mirrors=[mirror.address])
    assert cached(tmp_path) == []


def test_an_interrupted_download_is_completed(mirror, contents, tmp_path):
    mnist(mirrors=[mirror.address])
    (tmp_path / "cache/data/mnist/t10k-labels").unlink()
    mnist(mirrors=[mirror.address])
    assert mirror.requests["t10k-labels.gz"] == 2
    assert mirror.requests["train-images.gz"] == 1


def test_a_damaged_cache_mends_itself(mirror, contents, tmp_path, caplog):
    mnist(mirrors=[mirror.address])
    damaged = tmp_path / "cache/data/mnist/t10k-images"
    damaged.write_bytes(damaged.read_bytes()[:-1])

    with pytest.raises(DataError, match="is truncated"):
        mnist(download=False)
    mnist(mirrors=[mirror.address])
    assert damaged.read_bytes() == contents["t10k-images"]
    assert "downloading it again" in caplog.text


def test_concurrent_downloads_agree(mirror, contents, tmp_path):
    together = threading.Barrier(8, timeout=10)
    errors: list[Exception] = []

    def load() -> None:
        try:
            together.wait()
            mnist(mirrors=[mirror.address])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert cached(tmp_path) == sorted(contents)
    assert all((tmp_path / "cache/data/mnist" / name).read_bytes() == data for name, data in contents.items())
