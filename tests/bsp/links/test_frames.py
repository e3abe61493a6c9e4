"""What is read from a network is checked: whatever bytes come, they are understood or refused."""

from hypothesis import given
from hypothesis import strategies as st

from horn.bsp.barriers import telling
from horn.bsp.links.frames import GOODBYE, SIZE, Header, ProtocolError, pack, unpack
from horn.bsp.machine.agreement import parse, tell, union

LARGEST = 1 << 40

headers = st.builds(
    Header,
    kind=st.integers(0, GOODBYE),
    size=st.integers(0, 1 << 16),
    group=st.integers(0, 2**32 - 1),
    lane=st.integers(0, 255),
    epoch=st.integers(-(2**63), 2**63 - 1),
    sender=st.integers(-(2**31), 2**31 - 1),
    receiver=st.integers(-(2**31), 2**31 - 1),
)


@given(headers, st.integers(0, 2**32 - 1))
def test_a_header_comes_as_it_was_sent(header: Header, attempt: int) -> None:
    assert unpack(attempt, memoryview(pack(attempt, header)), LARGEST) == header


@given(headers, st.integers(0, SIZE * 8 - 1))
def test_no_flipped_bit_goes_unnoticed(header: Header, bit: int) -> None:
    frame = bytearray(pack(3, header))
    frame[bit // 8] ^= 1 << bit % 8
    try:
        unpack(3, memoryview(frame), LARGEST)
    except ProtocolError:
        return
    raise AssertionError("a damaged header was accepted")


@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_other_bytes_are_refused(data: bytes) -> None:
    try:
        unpack(0, memoryview(data), LARGEST)
    except ProtocolError:
        return
    raise AssertionError("junk was accepted")


tolds = st.builds(
    tell,
    process=st.integers(0, 300),
    code=st.integers(0, 2**31 - 1),
    text=st.binary(max_size=120),
    flags=st.integers(0, 31),
)


@given(st.lists(tolds, min_size=1, max_size=5))
def test_what_is_told_at_a_barrier_comes_as_it_was_sent(
    parts: list[tuple[int, tuple[tuple[int, bytes, int], ...]]],
) -> None:
    told = union(parts)
    assert parse(telling.unpack(telling.pack(told))) == told


@given(st.binary(max_size=200))
def test_other_bytes_tell_nothing_or_something(data: bytes) -> None:
    told = telling.unpack(data)
    assert told is None or isinstance(told, tuple)
    parse(told)
