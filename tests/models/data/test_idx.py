"""The IDX format, whole and broken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from horn.models.data import DataError
from horn.models.data.idx import parse_idx


def encode(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@settings(max_examples=30)
@given(array=hnp.arrays(np.uint8, hnp.array_shapes(max_dims=3)))
def test_round_trip(array):
    np.testing.assert_array_equal(parse_idx(encode(array), "file"), array)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no IDX file"),
        (b"\x80\x04\x95.", "no IDX file"),
        (bytes([0, 0, 0x0D, 1, 0, 0, 0, 0]), "no IDX file of unsigned bytes"),
        (bytes([0, 0, 8, 3, 0, 0]), "ends inside its header, after 6 of 16 bytes"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 5, 1, 2]), r"has 10 bytes, its header of shape \(5,\) says 13"),
    ],
)
def test_what_is_wrong_is_said(content, what):
    with pytest.raises(DataError, match=f"some-file.*{what}"):
        parse_idx(content, "some-file")
