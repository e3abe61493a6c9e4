"""The encoding of messages: what goes in comes out, equal and of the same type."""

import enum
import math
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from horn.bsp import BSPError
from horn.bsp.encoding import decode, encode

arrays = nps.arrays(
    st.one_of(
        nps.boolean_dtypes(),
        nps.integer_dtypes(),
        nps.floating_dtypes(),
        nps.complex_number_dtypes(),
        nps.datetime64_dtypes(),
        nps.unicode_string_dtypes(),
        nps.byte_string_dtypes(),
    ),
    nps.array_shapes(min_dims=0, min_side=0, max_side=4),
)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary() | arrays
)
keys = st.none() | st.booleans() | st.integers() | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        equal = np.array_equal(a, b, equal_nan=a.dtype.kind in "fcmM")
        return a.dtype == b.dtype and a.shape == b.shape and equal
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    return bool(a == b) or (isinstance(a, complex) and str(a) == str(b))


@given(values)
def test_values_come_back_as_they_were(value: Any) -> None:
    assert same(value, decode(encode(value)))


@given(arrays)
def test_scalars_keep_their_dtype(array: Any) -> None:
    for scalar in array.reshape(-1)[:3]:
        assert same(scalar, decode(encode(scalar)))


def test_arrays_of_any_layout_arrive_contiguous_and_writable() -> None:
    base = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    for array in (base, base.T, base[::2, ::-1], np.asfortranarray(base), base[:, :0], base.astype(">f4")):
        got = decode(encode((1, array)))[1]
        np.testing.assert_array_equal(got, array)
        assert got.dtype == array.dtype
        assert got.flags.writeable
        assert got.flags.c_contiguous


class Colour(enum.IntEnum):
    RED = 1


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        object(),
        Colour.RED,
        Pair(1, 2),
        np.array([None]),
        np.zeros(2, "i4,f4"),
        np.ma.masked_array([1]),
        bytearray(b"x"),
        {"k": {1}},
    ],
)
def test_what_would_not_come_back_the_same_is_refused(value: Any) -> None:
    with pytest.raises(BSPError, match="a message cannot hold"):
        encode(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(BSPError, match="does the value contain itself"):
        encode(loop)


@pytest.mark.parametrize(
    "junk", [b"", b"?", b"s\xff\xff\xff\xff\x00\x00\x00\x00ab", b"l\x01\x00\x00\x00\x00\x00\x00\x00"]
)
def test_truncated_or_foreign_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(BSPError, match=r"a message (ends|holds)"):
        decode(bytearray(junk))
