"""Inputs that do not lie in memory as the engines want them: read row by row, converted, looked at then."""

import numpy as np
import pytest

from horn.models import ScaledArray
from horn.models.feeding.features import as_features
from horn.models.feeding.mapped import InFile

ROWS = np.array([7, 2, 3, 3, 0, 9])


class Elsewhere:
    """Sliced like an array, and no array; knows which rows were read."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.read: list[slice] = []

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, key: slice) -> np.ndarray:
        assert isinstance(key, slice)
        self.read.append(key)
        return self._array[key]


def stored(dtype) -> np.ndarray:
    return np.arange(60).reshape(10, 6).astype(dtype)


def mapped(array: np.ndarray, folder, order="C", mode="r") -> np.memmap:
    """The array in a file, behind 12 other bytes."""
    path = folder / f"values {len(list(folder.iterdir()))}"
    path.write_bytes(bytes(12) + array.tobytes(order))
    return np.memmap(path, array.dtype, mode, 12, array.shape, order)


KINDS = {
    "memory": lambda array, folder: array,
    "columns first": lambda array, folder: np.asfortranarray(array),
    "file": mapped,
    "file, columns first": lambda array, folder: mapped(array, folder, "F"),
    "other bytes first": lambda array, folder: mapped(array.astype(array.dtype.newbyteorder()), folder),
    "elsewhere": lambda array, folder: Elsewhere(array),
}


@pytest.mark.parametrize("scale", [None, 0.5])
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i2", "i8", "?"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_numpy(kind, dtype, scale, tmp_path):
    array = stored(dtype)
    wanted = array.astype(np.float32)
    given = KINDS[kind](array, tmp_path)
    if scale is not None:
        if array.dtype.kind not in "iu":
            return
        given, wanted = ScaledArray(given, scale), wanted * np.float32(scale)
    features = as_features(given, 6)
    out, scratch = np.empty((6, 6), np.float32), features.scratch(8)
    features.gather(ROWS, out, scratch[:6])
    assert np.array_equal(out, wanted[ROWS])
    assert np.array_equal(features.rows(3, 7), wanted[3:7])
    features.gather(ROWS[:0], out[:0], scratch[:0])


@pytest.mark.parametrize("kind", ["file", "elsewhere"])
def test_what_lies_elsewhere_is_not_converted_as_a_whole(kind, tmp_path):
    given = KINDS[kind](stored("f8"), tmp_path)
    assert as_features(given, 6).array is given


def test_only_the_rows_asked_for_are_read_and_neighbours_at_once():
    given = Elsewhere(stored("f4"))
    features = as_features(given, 6)
    given.read.clear()
    features.gather(ROWS, np.empty((6, 6), np.float32), features.scratch(6))
    assert given.read == [slice(0, 1), slice(2, 4), slice(7, 8), slice(9, 10)]


@pytest.mark.parametrize("kind", ["file", "elsewhere"])
def test_what_is_not_finite_is_named_when_it_is_read(kind, tmp_path):
    array = stored("f8")
    array[7, 4] = 1e300
    features = as_features(KINDS[kind](array, tmp_path), 6)
    features.rows(0, 7)
    with pytest.raises(ValueError, match=r"x\[7, 4\] is inf"):
        features.rows(5, 9)
    with pytest.raises(ValueError, match=r"x\[7, 4\] is inf"):
        features.gather(ROWS, np.empty((6, 6), np.float32), features.scratch(6))


class Sparse(Elsewhere):
    def __getitem__(self, key):
        return {"rows": key}


def test_what_gives_no_arrays_is_refused():
    with pytest.raises(TypeError, match=r"x\[:1\] is a dict .* \(rows, 6\) when sliced"):
        as_features(Sparse(stored("f4")), 6)


PARTS = {
    "whole": lambda x: x,
    "rows": lambda x: x[3:9],
    "every other": lambda x: x[1::2],
    "columns": lambda x: x[:, 1:4],
    "columns of rows": lambda x: x[4:, 1:4],
    "plain": lambda x: np.asarray(x)[2:],
}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("part", PARTS)
def test_parts_of_mapped_files_are_mapped_again(part, order, tmp_path):
    array = stored("f4")
    handle = InFile.of(PARTS[part](mapped(array, tmp_path, order)))
    assert handle is not None
    found = handle.open({})
    assert np.array_equal(found, PARTS[part](array))
    assert not found.flags.writeable


def test_what_is_not_as_the_file_has_it_is_not_mapped(tmp_path):
    array = mapped(stored("f4"), tmp_path)
    for other in (array[::-1], array * 2, array[[3, 4]], array[:0], np.array(array)):
        assert InFile.of(other) is None
    assert InFile.of(mapped(stored("f4"), tmp_path, mode="c")) is None


@pytest.mark.parametrize(
    ("kind", "workers"), [("file", 1), ("file, columns first", 1), ("elsewhere", 1), ("elsewhere", 2)]
)
def test_training_is_that_on_arrays(build, task, same_weights, kind, workers, tmp_path):
    x, y = task
    nn, other = build(), build()
    nn.fit(KINDS[kind](x.astype(np.float64), tmp_path), y, iterations=3, batch_size=8, workers=workers)
    other.fit(x, y, iterations=3, batch_size=8)
    assert same_weights(nn, other, atol=1e-6)
    assert np.array_equal(nn.predict(KINDS[kind](x, tmp_path)), nn.predict(x))
