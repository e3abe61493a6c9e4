"""Reductions against NumPy, on the world and on its groups: the same bits wherever the members live."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from horn.bsp import BSPJob, Peer
from horn.bsp.group import Group

OPERATIONS: list[tuple[Any, Any]] = [
    ("sum", np.add),
    ("mean", np.add),
    ("max", np.maximum),
    ("min", np.minimum),
    (np.multiply, np.multiply),
]
SHAPES = [(), (0, 3), (1,), (7,), (3, 5), (70, 33), (300, 70)]
DTYPES = ["float32", "float64", "int64", "int16", "complex64"]


def cases() -> list[tuple[Any, Any, tuple[int, ...], str]]:
    """Operation, its ufunc, shape and dtype: every operation with every shape, the dtypes in turn."""
    drawn = [(op, ufunc, shape) for op, ufunc in OPERATIONS for shape in SHAPES]
    dtypes = [DTYPES[number % (4 if op in ("max", "min") else 5)] for number, (op, _, _) in enumerate(drawn)]
    return [(*case, dtype) for case, dtype in zip(drawn, dtypes, strict=True)]


def given(case: int, rank: int, shape: tuple[int, ...], dtype: str) -> Any:
    """What a peer brings to a case."""
    return np.random.default_rng([case, rank]).uniform(-3, 3, shape).astype(dtype)[()]


def tree(parts: list[Any], function: Callable[[Any, Any], Any]) -> Any:
    """The oracle: the binary tree, written down."""
    if len(parts) == 1:
        return parts[0]
    middle = 1 << ((len(parts) - 1).bit_length() - 1)
    return function(tree(parts[:middle], function), tree(parts[middle:], function))


def expected(case: int, ranks: list[int]) -> Any:
    """The reduction of what some peers bring."""
    op, ufunc, shape, dtype = cases()[case]
    total = tree([given(case, rank, shape, dtype) for rank in ranks], ufunc)
    if op != "mean":
        return total
    if np.dtype(dtype).kind == "i":
        total = tree([given(case, rank, shape, dtype).astype(np.float64) for rank in ranks], ufunc)
    return np.divide(total, len(ranks)).astype(total.dtype)


def reduce_all(group: Group, rank: int) -> list[dict[str, Any]]:
    results = []
    for case, (op, _, shape, dtype) in enumerate(cases()):
        mine = given(case, rank, shape, dtype)
        kept = np.copy(mine)
        root = case % group.num_peers
        result = {
            "allreduce": group.allreduce(mine, op),
            "reduce": group.reduce(mine, op, root),
            "scan": group.scan(mine, op),
        }
        if shape:
            result["reduce_scatter"] = group.reduce_scatter(mine, op)
            if op != "mean":
                for name in ("allreduce", "scan"):
                    mine = kept.copy()
                    assert getattr(group, name)(mine, op, out=mine) is mine
                    result[f"{name} in place"] = mine
                mine = kept.copy()
                out = mine if group.index == root else None
                assert group.reduce(mine, op, root, out=out) is out
                if out is not None:
                    np.testing.assert_array_equal(out, result["reduce"])
                else:
                    np.testing.assert_array_equal(mine, kept, "what others gave is untouched")
        results.append(result)
    return results


def on_world_and_halves(peer: Peer) -> tuple[Any, Any]:
    with peer.split(peer.index % 2) as half:
        inside = reduce_all(half, peer.index)
    return reduce_all(peer, peer.index), inside


def check(results: list[list[dict[str, Any]]], ranks: list[int]) -> None:
    for case, (op, _, shape, _) in enumerate(cases()):
        whole, rows = expected(case, ranks), shape[0] if shape else 0
        for index, result in enumerate(member[case] for member in results):
            same(result["allreduce"], whole)
            same(result["scan"], expected(case, ranks[: index + 1]))
            if index == case % len(ranks):
                same(result["reduce"], whole)
            else:
                assert result["reduce"] is None
            if shape:
                low, high = index * rows // len(ranks), (index + 1) * rows // len(ranks)
                same(result["reduce_scatter"], whole[low:high])
            if shape and op != "mean":
                same(result["allreduce in place"], whole)
                same(result["scan in place"], result["scan"])


def same(found: Any, wanted: Any) -> None:
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype
    assert np.shape(found) == np.shape(wanted)


def test_reductions_follow_one_tree_for_any_placement(placement: dict[str, Any]) -> None:
    job = BSPJob(on_world_and_halves, **placement)
    job.run()
    peers = placement["peers"]
    check([world for world, _ in job.values], list(range(peers)))
    for color in {0, 1} if peers > 1 else {0}:
        ranks = list(range(color, peers, 2))
        check([job.values[rank][1] for rank in ranks], ranks)


def concatenate(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Associative, and neither commutative nor elementwise."""
    return np.concatenate([a, b])


def extend(a: list[int], b: list[int]) -> list[int]:
    a += b
    return a


def functions(peer: Peer) -> dict[str, Any]:
    mine = np.full(peer.index + 1, peer.index)
    numbers = [peer.index]
    matrix = np.array([[1, peer.index], [0, 1]])
    last = peer.num_peers - 1
    return {
        "arrays": peer.allreduce(mine, concatenate).tolist(),
        "lists": peer.allreduce(numbers, extend),
        "untouched": numbers,
        "matrices": peer.allreduce(matrix, operator.matmul).tolist(),
        "best": peer.allreduce((-abs(peer.index - 2), peer.index), max),
        "reduced": peer.reduce(numbers, extend, last),
        "prefix": peer.scan(numbers, extend),
        "flags": peer.allreduce(np.array([True, peer.index > 0]), np.logical_and).tolist(),
    }


def test_functions_of_two_values_reduce_in_the_order_of_the_members(placement: dict[str, Any]) -> None:
    job = BSPJob(functions, **placement)
    job.run()
    peers = placement["peers"]
    everyone = list(range(peers))
    for index, value in enumerate(job.values):
        assert value == {
            "arrays": [i for i in everyone for _ in range(i + 1)],
            "lists": everyone,
            "untouched": [index],
            "matrices": [[1, sum(everyone)], [0, 1]],
            "best": (max(-abs(i - 2) for i in everyone), min(2, peers - 1)),
            "reduced": everyone if index == peers - 1 else None,
            "prefix": everyone[: index + 1],
            "flags": [True, False],
        }


def forget(peer: Peer) -> list[bool]:
    """Whether arrays given to collectives are still held after them."""
    import gc
    import weakref

    class Kept(np.ndarray[Any, Any]):
        """An array that can be watched."""

    held = []
    for size in (10, 100_000):
        for name in ("allreduce", "reduce", "scan", "reduce_scatter"):
            array = np.zeros(size).view(Kept)
            getattr(peer, name)(array)
            watch = weakref.ref(array)
            del array
            gc.collect()
            held.append(watch() is not None)
    return held


@pytest.mark.parametrize("processes", [1, 2])
def test_no_array_is_kept_after_the_operation(processes: int) -> None:
    job = BSPJob(forget, 4, processes)
    job.run()
    assert job.values == [[False] * 8] * 4
