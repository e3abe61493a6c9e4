"""The encoding of messages: what goes in comes out, equal and of the same type."""

import contextlib
import enum
import math
import struct
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from horn.bsp import BSPError
from horn.bsp.compression import codec
from horn.bsp.encoding import Encoded, compressed, decode, encode

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


@given(values, st.data())
def test_damaged_bytes_are_refused_or_decode_to_plain_data(value: Any, data: st.DataObject) -> None:
    memory = encode(value)
    for _ in range(3):
        memory[data.draw(st.integers(0, len(memory) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BSPError):  # any other exception fails
        encode(decode(memory))


@pytest.mark.parametrize("shape", [(2**40,), (2**33, 2**33), (0, 2**63)])
def test_a_header_that_promises_more_than_there_is_is_refused(shape: tuple[int, ...]) -> None:
    header = b"a\x03<f8" + bytes([len(shape)]) + struct.pack(f"<{len(shape)}Q", *shape)
    with pytest.raises(BSPError, match="a message"):
        decode(bytearray(header + bytes(64)))


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(BSPError, match="of dtype object, which no peer sends"):
        decode(bytearray(b"a\x02|O\x01" + struct.pack("<Q", 1) + bytes(32)))


@pytest.mark.parametrize("name", ["zlib", "lzma"])
@pytest.mark.parametrize("value", [np.arange(5000), "word " * 1000, [b"x" * 2000, {"k": np.zeros((30, 30))}], 1])
def test_compressed_values_come_back_as_they_were_and_are_smaller(name: str, value: Any) -> None:
    plain = Encoded(value)
    packed = compressed(plain, codec(name))
    memory = bytearray(packed.size)
    packed.write(memoryview(memory))
    assert same(value, decode(memory))
    assert packed.size < plain.size or plain.size < 1024


@pytest.mark.parametrize("name", ["zlib", "lzma"])
def test_compressed_bytes_that_are_damaged_are_refused(name: str) -> None:
    packed = compressed(Encoded("word " * 10_000), codec(name))
    memory = bytearray(packed.size)
    packed.write(memoryview(memory))
    size_at = 2
    larger, smaller, short = bytearray(memory), bytearray(memory), memory[:-3]
    larger[size_at] += 1
    smaller[size_at] -= 1
    for damaged in (larger, smaller, short):
        with pytest.raises(BSPError, match="a message"):
            decode(damaged)


def test_what_does_not_shrink_travels_as_it_is() -> None:
    noise = Encoded(np.random.default_rng(0).bytes(5000))
    assert compressed(noise, codec("zlib")) is noise


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(BSPError, match="compression must be one of zlib, lzma, or None, got 'rar'"):
        codec("rar")
