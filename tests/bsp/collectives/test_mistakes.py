"""Collectives that do not fit together are errors that name peers and operations, never a hang."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer, PeerFailed

X = np.zeros(3)
DIFFERING: list[tuple[Callable[[Peer], Any], Callable[[Peer], Any], str]] = [
    (lambda p: p.allreduce(X), lambda p: p.allreduce(np.zeros(4)), r"allreduce\(sum\) of float64 \(3,\)"),
    (lambda p: p.allreduce(X), lambda p: p.allreduce(X, "max"), r"allreduce\(max\) of float64 \(3,\)"),
    (lambda p: p.allreduce(X), lambda p: p.reduce(X), r"reduce\(sum\) to 0 of float64"),
    (lambda p: p.reduce(X), lambda p: p.reduce(X, root=1), r"reduce\(sum\) to 1"),
    (lambda p: p.reduce(X, max), lambda p: p.reduce(X, min), r"reduce\(min\) to 0"),
    (lambda p: p.scan(X), lambda p: p.scan(X.astype("f4")), r"scan\(sum\) of float32"),
    (lambda p: p.reduce_scatter(X), lambda p: p.sync(), r"sync\(\)"),
    (lambda p: p.gather(1), lambda p: p.gather(1, 1), "gather to 1"),
    (lambda p: p.scatter([1, 2, 3]), lambda p: p.scatter([1, 2, 3], 1), "scatter from 1"),
    (lambda p: p.alltoall([1, 2, 3]), lambda p: p.allgather(1), r"allgather\(\)"),
    (lambda p: p.broadcast(1), lambda p: None, "the end of its program"),
]


def differ(peer: Peer, pair: int) -> None:
    first, second, _ = DIFFERING[pair]
    peer.sync()
    (second if peer.index == 1 else first)(peer)


@pytest.mark.parametrize(("pair", "processes"), [(i, 2 + i % 2 if i % 3 else 1) for i in range(len(DIFFERING))])
def test_differing_calls_name_who_called_what(pair: int, processes: int) -> None:
    with pytest.raises(BSPError, match=DIFFERING[pair][2]) as caught:
        BSPJob(differ, 3, processes, args=(pair,), timeout=20).run()
    assert "peer 1 came for" in str(caught.value)
    # Peers of one process notice it among themselves, before they hear of the others.
    assert re.search("peers? (0, 2|2|0) came for", str(caught.value))


def lone_mistakes(peer: Peer) -> list[str]:
    """Each is refused at the call, before anyone waits for it."""
    calls: list[Callable[[], Any]] = [
        lambda: peer.allreduce(X, "median"),
        lambda: peer.allreduce(X, 3),
        lambda: peer.allreduce("text"),
        lambda: peer.allreduce(X, np.equal),
        lambda: peer.allreduce(X, np.divmod),
        lambda: peer.allreduce(X, np.bitwise_or),
        lambda: peer.allreduce(X, out=np.empty(4)),
        lambda: peer.allreduce(X, max, out=X),
        lambda: peer.reduce(X, root=3),
        lambda: peer.reduce(X, root=-1),
        lambda: peer.broadcast(1, 1.5),
        lambda: peer.reduce_scatter(3.0),
        lambda: peer.reduce_scatter(X, max),
        lambda: peer.alltoall([1, 2]),
        lambda: peer.scatter(None, peer.index),
        lambda: peer.allgather(object()),
    ]
    said = []
    for number, made in enumerate(calls):
        try:
            made()
            said.append(f"{number} was accepted")
        except BSPError as error:
            said.append(str(error))
    peer.sync()
    return said


def test_senseless_arguments_are_refused_at_the_call() -> None:
    said = BSPJob(lone_mistakes, 3, 2).run()
    wanted = [
        "one of sum, mean, max, min, or a function of two values, got 'median'",
        "a name or a function of two values, got 3",
        "sum works on numbers, got dtype <U4",
        "equal makes bool of float64",
        "an elementwise function of two arrays, got the ufunc divmod",
        "bitwise_or does not work on dtype float64",
        "out must be a writable C-contiguous array of shape (3,) and dtype float64, got shape (4,)",
        "out is for elementwise operations",
        "the root must be in [0, 3), got 3",
        "the root must be in [0, 3), got -1",
        "the root must be in [0, 3), got 1.5",
        "an array with rows to share out, got a number",
        "reduce_scatter takes elementwise operations only",
        "one value for each of the 3 members is needed, got 2",
        "one value for each of the 3 members is needed, got None",
        "a message cannot hold a builtins.object",
    ]
    assert [text for text, part in zip(said, wanted, strict=True) if part not in text] == []


def misfit(peer: Peer) -> None:
    peer.allgather(np.zeros(peer.index + 1), out=np.empty((3, 1)))


def raising(peer: Peer) -> None:
    peer.allreduce(peer.index, lambda a, b: a // 0)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_does_not_fit_into_out_names_its_sender(processes: int) -> None:
    with pytest.raises(BSPError, match=r"peer 1 gave dtype float64 and shape \(2,\), but out takes .* shape \(1,\)"):
        BSPJob(misfit, 3, processes).run()


@pytest.mark.parametrize("processes", [1, 3])
def test_a_function_that_raises_ends_the_job_with_its_error(processes: int) -> None:
    with pytest.raises(PeerFailed, match="ZeroDivisionError"):
        BSPJob(raising, 3, processes).run()


def retry(peer: Peer) -> Any:
    values = [peer.index * 10 + to for to in range(peer.num_peers)]
    try:
        peer.alltoall([*values[:-1], object()])
    except BSPError:
        return peer.allgather(peer.index)


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (3, "shared"), (3, "tcp")])
def test_what_was_refused_in_part_brings_nothing(processes: int, transport: str) -> None:
    job = BSPJob(retry, 3, processes, transport=transport)
    job.run()
    assert job.values == [[0, 1, 2]] * 3


def fill_read_only(peer: Peer) -> None:
    out = np.zeros(3)
    out.flags.writeable = False
    peer.broadcast(np.ones(3), out=out)


def test_a_result_needs_memory_that_can_be_written_to() -> None:
    with pytest.raises(BSPError, match="out must be writable, got a read-only array"):
        BSPJob(fill_read_only, 2, 2).run()
