"""The tree of reductions, against its definition."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp.collectives.tree import cover, fold_tree, halves, reduce_tree, tree_reduce


def nodes_of(node: tuple[int, int]) -> set[tuple[int, int]]:
    """All nodes below one, itself included."""
    return {node} if node[1] - node[0] == 1 else {node}.union(*map(nodes_of, halves(node)))


@given(st.integers(0, 70), st.integers(1, 70), st.integers(0, 70))
def test_neighbours_are_covered_by_nodes_of_every_tree_that_holds_them(start: int, count: int, more: int) -> None:
    found = cover(range(start, start + count))
    assert [member for node in found for member in range(*node)] == list(range(start, start + count))
    assert set(found) <= nodes_of((0, start + count + more))
    assert len(found) <= 2 * count.bit_length()


@given(st.integers(1, 23).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(1, n), max_size=4))))
def test_reducing_in_parts_follows_the_same_tree(drawn: tuple[int, set[int]]) -> None:
    """Cut the members anywhere: reduced part by part they give the same expression."""
    count, cuts = drawn
    edges = sorted({0, count, *cuts})
    words = {(i, i + 1): str(i) for i in range(count)}

    def join(a: str, b: str) -> str:
        return f"({a}+{b})"

    parts = {
        node: fold_tree(node, words, join)
        for low, high in itertools.pairwise(edges)
        for node in cover(range(low, high))
    }
    assert fold_tree((0, count), parts, join) == fold_tree((0, count), words, join)


@given(st.integers(1, 23), st.sampled_from([1, 5, 40_000]))
def test_tree_reduce_adds_along_the_tree(count: int, size: int) -> None:
    parts = [np.random.default_rng(i).standard_normal(size).astype(np.float32) for i in range(count)]

    def tree(some: list[Any]) -> Any:
        if len(some) == 1:
            return some[0]
        middle = 1 << ((len(some) - 1).bit_length() - 1)
        return tree(some[:middle]) + tree(some[middle:])

    expected = tree(parts)
    out = np.empty(size, np.float32)
    tree_reduce(parts, np.add, out)
    np.testing.assert_array_equal(out, expected)
    tree_reduce(parts, np.add, parts[0])
    np.testing.assert_array_equal(parts[0], expected, "into the first of them")


@pytest.mark.parametrize("size", [1, 100, 70_000])
def test_each_piece_is_told_once_it_is_done(size: int) -> None:
    out, copy = np.empty(size), np.empty(size)

    def done(piece: slice) -> None:
        copy[piece] = out[piece]

    leaves = {(i, i + 1): np.full(size, float(i)) for i in range(5)}
    reduce_tree((0, 5), leaves, np.add, out, done)
    assert (copy == 10).all()
