"""Matrices turned for backward's lanes: there, a neuron's weights lie in a row, and its lane needs them in a column."""

from __future__ import annotations

from typing import Any

from ...jit import kernel

_SIDE = 16


@kernel
def transpose(matrix: Any, bias: Any, out: Any) -> None:
    """out = matrix[bias:]ᵀ. Shapes (bias + n, r) → (r, n)."""
    rows, columns = out.shape[1], out.shape[0]
    # Square by square: either matrix is then touched a cache line at a time.
    for low in range(0, rows, _SIDE):
        high = min(low + _SIDE, rows)
        for left in range(0, columns, _SIDE):
            for j in range(left, min(left + _SIDE, columns)):
                target = out[j]
                for i in range(low, high):
                    target[i] = matrix[bias + i, j]


@kernel
def add_transpose(part: Any, bias: Any, matrix: Any) -> None:
    """matrix[bias:] += partᵀ. Shapes (r, n) → (bias + n, r)."""
    rows, columns = part.shape[1], part.shape[0]
    for low in range(0, rows, _SIDE):
        high = min(low + _SIDE, rows)
        for left in range(0, columns, _SIDE):
            right = min(left + _SIDE, columns)
            for i in range(low, high):
                target = matrix[bias + i]
                for j in range(left, right):
                    target[j] += part[j, i]
