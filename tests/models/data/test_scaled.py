"""A ScaledArray reads like the float32 array that it stands for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from horn.models.data import ScaledArray


@given(
    stored=hnp.arrays(st.sampled_from([np.uint8, np.int16, np.int32]), hnp.array_shapes(min_dims=2, max_dims=3)),
    data=st.data(),
)
def test_indexing_equals_indexing_the_scaled_copy(stored, data):
    key = data.draw(hnp.basic_indices(stored.shape, allow_ellipsis=False))
    scaled = ScaledArray(stored, 1 / 255)
    whole = stored.astype(np.float32) * np.float32(1 / 255)
    part = scaled[key]
    assert part.dtype == np.float32
    np.testing.assert_array_equal(part, whole[key])


def test_rows_may_be_gathered_in_any_order():
    stored = np.arange(24, dtype=np.uint8).reshape(6, 4)
    scaled = ScaledArray(stored, 0.5)
    rows = np.array([5, 0, 0, 3])
    np.testing.assert_array_equal(scaled[rows], stored[rows] / 2)
    np.testing.assert_array_equal(scaled[stored[:, 0] > 8], stored[3:] / 2)


def test_it_looks_like_an_array():
    stored = np.ones((3, 2), np.uint8)
    scaled = ScaledArray(stored, 0.25)
    assert (len(scaled), scaled.shape, scaled.ndim, scaled.size, scaled.dtype) == (3, (3, 2), 2, 6, np.float32)
    assert np.asarray(scaled).dtype == np.float32
    assert np.asarray(scaled, dtype=np.float64).tolist() == [[0.25, 0.25]] * 3
    assert scaled.array is stored


def test_it_cannot_be_had_without_a_copy():
    with pytest.raises(ValueError, match="only its `array`"):
        np.asarray(ScaledArray(np.ones(2, np.uint8), 0.5), copy=False)


def test_memory_mapped(tmp_path):
    stored = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(8, 3))
    stored[:] = np.arange(24).reshape(8, 3)
    scaled = ScaledArray(stored, 1.0)
    part = scaled[2:4]
    assert part.tolist() == [[6, 7, 8], [9, 10, 11]]
    assert type(part) is np.ndarray
    assert isinstance(scaled.array, np.memmap)


def test_floats_need_no_scale():
    with pytest.raises(TypeError, match="holds integers, got float32"):
        ScaledArray(np.ones(3, np.float32), 1.0)
