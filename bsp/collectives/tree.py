"""The one binary tree along which a group reduces, so that the bits do not depend on where its members live.

The tree over k members splits at the largest power of two below k: ((0+1)+(2+3))+(4+5). A part of it that belongs to
one process is reduced there; only what comes out of that travels.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Node = tuple[int, int]
"""A part of the tree: the members from one up to another, not included."""

_BLOCK = 1 << 16
"""Bytes per step of a reduction: the partial sums stay in the cache."""
_LARGE_BLOCK = 1 << 18
"""Where there are no partial sums, and only `done` reads what was written."""


@functools.lru_cache(maxsize=4096)
def cover(members: range) -> tuple[Node, ...]:
    """Return the complete subtrees that make up neighbouring members: as few, and as large, as there are.

    They are nodes of the tree over k members for every k that is larger than all of them.
    """
    start, stop = members.start, members.stop
    nodes: list[Node] = []
    while start < stop:
        size = start & -start or 1 << (stop.bit_length() - 1)
        while size > stop - start:
            size //= 2
        nodes.append((start, start + size))
        start += size
    return tuple(nodes)


def halves(node: Node) -> tuple[Node, Node]:
    """Return the two branches of a node of at least two members."""
    start, stop = node
    middle = start + (1 << ((stop - start - 1).bit_length() - 1))
    return (start, middle), (middle, stop)


def fold_tree(node: Node, leaves: Mapping[Node, Any], operation: Callable[[Any, Any], Any]) -> Any:
    """Reduce values along the tree; `leaves` are the nodes whose values are known."""
    if node in leaves:
        return leaves[node]
    left, right = halves(node)
    return operation(fold_tree(left, leaves, operation), fold_tree(right, leaves, operation))


def reduce_tree(
    node: Node,
    leaves: Mapping[Node, Array],
    operation: Callable[..., Any],
    out: Array,
    done: Callable[[slice], None] | None = None,
) -> None:
    """Reduce equally long 1-d arrays elementwise along the tree into `out`, a piece after the other.

    Args:
        node: what to reduce.
        leaves: the nodes whose arrays are known.
        operation: `operation(a, b, out=c)`.
        out: may be the array of the node's first member, and of no other.
        done: told of each piece of `out` while it lies in the cache.
    """
    members = node[1] - node[0]
    step = max(1, (_BLOCK if members > 2 else _LARGE_BLOCK) // max(1, out.itemsize))
    scratch = [np.empty(min(step, out.size), out.dtype) for _ in range(members.bit_length())] if members > 2 else []
    for start in range(0, out.size, step):
        piece = slice(start, min(start + step, out.size))
        _reduce_piece(node, leaves, operation, piece, out[piece], scratch)
        if done is not None:
            done(piece)


def tree_reduce(parts: Sequence[Array], operation: Callable[..., Any], out: Array) -> None:
    """Reduce equally long 1-d arrays along the tree over their positions into `out`.

    `out` may be one of the parts only if that is the first.
    """
    reduce_tree((0, len(parts)), {(i, i + 1): part for i, part in enumerate(parts)}, operation, out)


def _reduce_piece(
    node: Node,
    leaves: Mapping[Node, Array],
    operation: Callable[..., Any],
    piece: slice,
    out: Array,
    scratch: Sequence[Array],
) -> None:
    known = leaves.get(node)
    if known is not None:
        np.copyto(out, known[piece])
        return
    first, second = halves(node)
    left, right = leaves.get(first), leaves.get(second)
    # The right branch first where it needs memory: `out` may be the first member's array, which is read last.
    if right is None:
        _reduce_piece(second, leaves, operation, piece, scratch[0][: out.size], scratch[1:])
    if left is None:
        _reduce_piece(first, leaves, operation, piece, out, scratch[1:])
    operation(
        out if left is None else left[piece],
        scratch[0][: out.size] if right is None else right[piece],
        out=out,
    )
