"""The part of a network that one mask keeps, and how its weights travel: gathered, computed on, put back.

Where a mask holds for a worker's whole batch, the worker needs the weights between the neurons that it keeps, and no
others. They are taken out of the flat array into a *compact* one: for each connection the kept rows and columns as a
small dense matrix, one matrix behind the other, and behind them what neurons keep from batch to batch, in full. D comes
back in the same form.

Both arrays are in the same order, so that whatever lies in a stretch of the flat array, a server's shard say, is a
stretch of the compact one: `Part.span` tells which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import kernel
from .spec import Block, Matrix, NetworkSpec, StateBlock

Indices = NDArray[np.intp]
Vector = NDArray[np.floating]


@kernel
def gather(matrix: Any, rows: Any, columns: Any, out: Any) -> None:
    """out = matrix[rows][:, columns]."""
    for i in range(len(rows)):
        source, target = matrix[rows[i]], out[i]
        for j in range(len(columns)):
            # Unsigned: no index counts from the end.
            target[j] = source[np.uintp(columns[j])]


@kernel
def add_at(part: Any, rows: Any, columns: Any, matrix: Any) -> None:
    """matrix[rows][:, columns] += part."""
    for i in range(len(rows)):
        source, target = part[i], matrix[rows[i]]
        for j in range(len(columns)):
            target[np.uintp(columns[j])] += source[j]


def rows_and_columns(block: Block, kept: tuple[Indices, ...]) -> tuple[Indices, Indices]:
    """The rows and columns of a block's matrix that a sub-model uses; the bias always."""
    senders, receivers = kept[block.layer - 1], kept[block.layer]
    rows = np.concatenate(([0], senders + 1)) if block.bias else senders
    return rows.astype(np.intp, copy=False), receivers


@dataclass(frozen=True, eq=False)
class Part:
    """The part of a network that a mask keeps.

    Args:
        spec: the network.
        kept: per layer, the indices of the neurons that are kept, ascending; at least one of each layer.
    """

    spec: NetworkSpec
    kept: tuple[Indices, ...]

    @classmethod
    def of_all(cls, spec: NetworkSpec) -> Part:
        """The whole network."""
        return cls(spec, tuple(np.arange(layer.units) for layer in spec.layers))

    @classmethod
    def unpacked(cls, spec: NetworkSpec, packed: NDArray[np.uint8]) -> Part:
        """The part that `packed` tells.

        Args:
            spec: the network.
            packed: what `Part.packed` was where it comes from.

        Raises:
            ValueError: it is of another network.
        """
        units = [layer.units for layer in spec.layers]
        if packed.dtype != np.uint8 or packed.shape != (-(-sum(units) // 8),):
            raise ValueError(
                f"a part of a network of {sum(units)} neurons is told by uint8 of shape ({-(-sum(units) // 8)},), got "
                f"{packed.dtype} of shape {packed.shape}: give it the spec of the network that it comes from"
            )
        bits = np.unpackbits(packed, count=sum(units))
        return cls(spec, tuple(np.flatnonzero(mask) for mask in np.split(bits, np.cumsum(units)[:-1])))

    @cached_property
    def packed(self) -> NDArray[np.uint8]:
        """One bit for each neuron, those of the first layer first: tells another process which part it is."""
        masks = [np.zeros(layer.units, np.bool_) for layer in self.spec.layers]
        for mask, kept in zip(masks, self.kept, strict=True):
            mask[kept] = True
        return np.packbits(np.concatenate(masks))

    @cached_property
    def whole(self) -> bool:
        """True where nothing is left out."""
        return all(len(kept) == layer.units for kept, layer in zip(self.kept, self.spec.layers, strict=True))

    @cached_property
    def places(self) -> Mapping[Block, tuple[Indices, Indices]]:
        """The kept rows and columns of each connection's matrix."""
        return {block: rows_and_columns(block, self.kept) for block in self.spec.blocks}

    @cached_property
    def _starts(self) -> list[int]:
        """Where each matrix begins in the compact array: those of `NetworkSpec.matrices`, in order; the end, last."""
        sizes = [len(rows) * len(columns) for rows, columns in self.places.values()]
        sizes += [state.size for state in self.spec.states]
        return [0, *accumulate(sizes)]

    @property
    def size(self) -> int:
        """Length of the compact array."""
        return self._starts[-1]

    def matrices(self, compact: Vector) -> dict[Matrix, Vector]:
        """The matrices in a compact array, as views.

        Args:
            compact: shape ``(size,)``.

        Returns:
            Connection → (kept senders, bias included, kept receivers); state → as in the flat array.

        Raises:
            ValueError: `compact` has another length.
        """
        if compact.shape != (self.size,):
            raise ValueError(f"the compact array of this part has the shape ({self.size},), got {compact.shape}")
        found: dict[Matrix, Vector] = {}
        for matrix, (start, stop) in zip((*self.spec.blocks, *self.spec.states), pairwise(self._starts), strict=True):
            found[matrix] = compact[start:stop].reshape(self._shape(matrix))
        return found

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """The stretch of the compact array that lies in a stretch of the flat one.

        Args:
            start: where that begins in the flat array; it need not respect blocks.
            stop: where it ends.

        Returns:
            (start, stop) in the compact array.
        """
        return self._before(start), self._before(stop)

    def gather(self, held: Vector, out: Vector | None = None, *, start: int = 0) -> Vector:
        """Take the part out of the flat array, or out of a shard of it. Cost: one pass over what is taken.

        Args:
            held: the flat array from `start` on, shape (stop - start,), contiguous.
            out: where it goes, shape of ``span(start, start + len(held))``; a new array by default.
            start: where `held` begins in the flat array.

        Returns:
            `out`.
        """
        low, high = self.span(start, start + len(held))
        if out is None:
            out = np.empty(high - low, held.dtype)
        _check_piece(out, low, high)
        for piece, rows, columns, matrix in self._pieces(out, low, held, start):
            gather(matrix, rows, columns, piece)
        return out

    def add(self, piece: Vector, held: Vector, *, start: int = 0) -> None:
        """Add a compact D to that of the whole network, or of a shard; what the part leaves out stays.

        Args:
            piece: a stretch of the compact D, shape of ``span(start, start + len(held))``.
            held: the flat array from `start` on, shape (stop - start,), contiguous, changed in place.
            start: where `held` begins in the flat array.
        """
        low, high = self.span(start, start + len(held))
        _check_piece(piece, low, high)
        for part, rows, columns, matrix in self._pieces(piece, low, held, start):
            add_at(part, rows, columns, matrix)

    # Where what lies ---------------------------------------------------------------------------------------------

    def _shape(self, matrix: Matrix) -> tuple[int, int]:
        rows, columns = self._rows_and_columns(matrix)
        return len(rows), len(columns)

    def _rows_and_columns(self, matrix: Matrix) -> tuple[Indices, Indices]:
        if isinstance(matrix, Block):
            return self.places[matrix]
        assert isinstance(matrix, StateBlock)
        return np.arange(matrix.rows), np.arange(matrix.columns)

    def _before(self, place: int) -> int:
        """How many elements of the compact array lie before a place of the flat one."""
        for matrix, start in zip((*self.spec.blocks, *self.spec.states), self._starts[:-1], strict=True):
            if place < matrix.stop:
                rows, columns = self._rows_and_columns(matrix)
                row, column = divmod(max(place - matrix.offset, 0), matrix.columns)
                above = int(np.searchsorted(rows, row))
                count = above * len(columns)
                if above < len(rows) and rows[above] == row:
                    count += int(np.searchsorted(columns, column))
                return start + count
        return self.size

    def _pieces(
        self, compact: Vector, low: int, held: Vector, start: int
    ) -> Iterator[tuple[Vector, Indices, Indices, Vector]]:
        """Matrices of the compact array, from `low` on, with the rows and columns that they are of those in `held`."""
        for matrix, begin in zip((*self.spec.blocks, *self.spec.states), self._starts[:-1], strict=True):
            rows, columns = self._rows_and_columns(matrix)
            for top, bottom, left, right in _rectangles(matrix, start, start + len(held)):
                i, k = np.searchsorted(rows, (top, bottom)).tolist()
                j, m = np.searchsorted(columns, (left, right)).tolist()
                if i == k or j == m:
                    continue
                first = begin + i * len(columns) + j - low
                part = compact[first : first + (k - i) * (m - j)].reshape(k - i, m - j)
                place = matrix.offset + top * matrix.columns + left - start
                source = held[place : place + (bottom - top) * (right - left)].reshape(bottom - top, right - left)
                yield part, rows[i:k] - top, columns[j:m] - left, source


def _rectangles(matrix: Matrix, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """The stretch [start, stop) of the flat array within a matrix, as rectangles (top, bottom, left, right).

    Whole rows, and at most two parts of one: each contiguous in memory.
    """
    low, high = max(start - matrix.offset, 0), min(stop - matrix.offset, matrix.size)
    width = matrix.columns
    while low < high:
        row, column = divmod(low, width)
        if column == 0 and high - low >= width:
            bottom = high // width
            yield row, bottom, 0, width
            low = bottom * width
        else:
            right = min(width, column + high - low)
            yield row, row + 1, column, right
            low += right - column


def _check_piece(piece: Vector, low: int, high: int) -> None:
    if piece.shape != (high - low,):
        raise ValueError(f"this stretch holds {high - low} elements of the part, got an array of shape {piece.shape}")
