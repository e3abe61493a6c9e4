"""Where MNIST is looked for, what is said about damaged files, and when the digits take its place."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from horn.models.data import DataError, DataUnavailable, digits, mnist, mnist_or_digits

NO_MIRRORS: tuple[str, ...] = ()


def test_plain_files(folder):
    data = mnist(folder, download=False)
    assert (data.name, data.classes) == ("MNIST", 10)
    assert data.x_train.shape == (12, 6)
    assert data.x_test.shape == (5, 6)
    assert data.y_train.dtype == np.int64


def test_compressed_files(folder):
    plain = mnist(folder, download=False)
    for path in list(folder.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    np.testing.assert_array_equal(mnist(folder, download=False).x_train.array, plain.x_train.array)


def test_a_folder_that_holds_mnist(folder, tmp_path):
    folder.rename(tmp_path / "mnist")
    assert mnist(tmp_path, download=False).name == "MNIST"


def test_horn_data(folder, monkeypatch):
    monkeypatch.setenv("HORN_DATA", str(folder))
    assert mnist(download=False).name == "MNIST"


def test_the_given_folder_comes_first(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HORN_DATA", str(folder))
    given = tmp_path / "first"
    given.mkdir()
    (given / "train-images").write_bytes(b"x")
    with pytest.raises(DataError, match="has only a part of MNIST, train-labels, t10k-images, t10k-labels"):
        mnist(given, download=False)


def test_an_empty_folder_is_passed_over_aloud(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HORN_DATA", str(folder))
    assert mnist(tmp_path / "absent", download=False).name == "MNIST"
    assert f"no MNIST in {tmp_path / 'absent'}" in caplog.text


def test_nowhere(contents, tmp_path):
    with pytest.raises(DataUnavailable, match=f"(?s){tmp_path / 'cache'}.*HORN_DATA"):
        mnist(download=False)


def damage(folder: Path, kind: str) -> None:
    image = folder / "t10k-images"
    content = image.read_bytes()
    if kind == "truncated":
        image.write_bytes(content[:-3])
    elif kind == "changed":
        image.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif kind == "extended":
        image.write_bytes(content + b"x")
    else:
        image.unlink()
        compressed = gzip.compress(content)
        image.with_name("t10k-images.gz").write_bytes(compressed[:-10] if kind == "gzip truncated" else content)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("truncated", "is truncated: it holds 43 bytes, t10k-images has 46"),
        ("changed", "has a wrong checksum: SHA-256 [0-9a-f]{64}, t10k-images has [0-9a-f]{64}"),
        ("extended", "is too long: it holds more than 46 bytes"),
        ("gzip truncated", "is truncated"),
        ("no gzip", "is damaged"),
    ],
)
@pytest.mark.parametrize("load", [mnist, mnist_or_digits])
def test_damaged_files_are_an_error_and_no_reason_to_look_further(load, kind, what, folder, mirror):
    damage(folder, kind)
    with pytest.raises(DataError, match=f"t10k-images.* {what}.*get it anew"):
        load(folder, mirrors=[mirror.address])
    assert not mirror.requests


def test_a_file_that_cannot_be_read(folder, monkeypatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match="train-images cannot be read \\(Permission denied\\)"):
        mnist(folder, download=False)


def test_digits_take_the_place_of_mnist_aloud(contents, caplog):
    data = mnist_or_digits(mirrors=NO_MIRRORS)
    assert data.name == "digits"
    assert "digits (8 × 8 pixels) in place of MNIST" in caplog.text


def test_mnist_is_preferred(folder):
    assert mnist_or_digits(folder, mirrors=NO_MIRRORS).name == "MNIST"


def test_digits_are_a_fixed_partition():
    first, second = digits(), digits()
    np.testing.assert_array_equal(first.x_test.array, second.x_test.array)
    assert first.x_train.shape == (1437, 64)
    assert first.x_test.shape == (360, 64)
    assert np.bincount(np.concatenate([first.y_train, first.y_test])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180
    ]  # fmt: skip
    assert first.x_train[:].max() == 1.0


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataUnavailable, match=r"pip install 'horn\[examples\]'"):
        digits()


def test_scikit_learn_is_loaded_only_for_the_digits():
    program = "import sys, horn.models.data; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_the_real_mnist():
    """In CI it must be there; elsewhere nothing is downloaded for a test."""
    try:
        data = mnist(download="CI" in os.environ)
    except DataUnavailable:
        if "CI" in os.environ:
            raise
        pytest.skip("MNIST is not on this machine: name its folder in HORN_DATA")
    assert data.x_train.shape == (60_000, 784)
    assert data.x_test.shape == (10_000, 784)
    assert data.y_train[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert data.x_train[:1000].max() == 1.0
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
