"""The small parts of the engine, each against its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp import BSPError, BSPJob, Peer
from horn.bsp.errors import format_ranks
from horn.bsp.memory.segment import Segment
from horn.bsp.memory.space import available_memory
from horn.bsp.placement import Placement


@given(st.integers(1, 60).flatmap(lambda peers: st.tuples(st.just(peers), st.integers(1, peers))))
def test_peers_are_spread_contiguously_and_evenly(sizes: tuple[int, int]) -> None:
    placement = Placement(*sizes)
    ranks = [placement.ranks(process) for process in range(placement.processes)]
    assert [peer for some in ranks for peer in some] == list(range(placement.peers))
    assert max(map(len, ranks)) - min(map(len, ranks)) <= 1
    assert all(placement.process_of(peer) == process for process, some in enumerate(ranks) for peer in some)


@pytest.mark.parametrize(
    ("ranks", "text"), [([3], "peer 3"), ([2, 0, 1, 7, 9, 8], "peers 0-2, 7-9"), ([1, 3], "peers 1, 3")]
)
def test_ranks_are_written_as_people_do(ranks: list[int], text: str) -> None:
    assert format_ranks(ranks) == text


def test_a_segment_grows_in_place_and_its_views_stay_valid() -> None:
    segment = Segment.create("test", 100)
    early = segment.view(100)
    early[:3] = b"abc"
    segment.reserve(1 << 20)
    late = segment.view(1 << 20)
    assert bytes(late[:3]) == b"abc"
    late[0] = ord("x")
    assert early[0] == ord("x")
    segment.close()
    assert early[1] == ord("b")


def test_too_much_shared_memory_is_a_clear_error() -> None:
    available = available_memory()
    if available is None:
        pytest.skip("this system does not tell how much memory it has")
    with pytest.raises(BSPError, match=r"no space for .* MiB of shared memory \(\d+ MiB are available\)"):
        Segment.create("test", 4 * available)


def test_an_exception_of_on_progress_reaches_the_caller_and_ends_the_job() -> None:
    def refuse(value: object) -> None:
        raise LookupError(f"no use for {value}")

    with pytest.raises(LookupError, match="no use for 1"):
        BSPJob(report_for_ever, 2, 2, on_progress=refuse).run()


def report_for_ever(peer: Peer) -> None:
    peer.progress(1)
    while True:
        peer.sync()
