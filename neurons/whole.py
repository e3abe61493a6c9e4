"""Whole numbers in kernels: places of items, checked; arithmetic that wraps around.

numba's own whole numbers leave open what an overflow gives, so that a comparison after one may come out either way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import device


@device
def place(index: int, size: int, status: Any, code: int) -> int:
    """The place of an item: `index`, from the end where it is negative.

    Args:
        index: any whole number.
        size: number of items, at least 1.
        status: (3,): where the index is out of range, the code, the index and the size are left here; the place is 0.
        code: see `compiler.emission.hazards`.
    """
    if index < -size or index >= size:
        status[0] = code
        status[1] = index
        status[2] = size
        return 0
    return index + size if index < 0 else index


@device
def add(left: Any, right: Any) -> Any:
    """left + right in 64 bits."""
    return np.int64(np.uint64(left) + np.uint64(right))


@device
def subtract(left: Any, right: Any) -> Any:
    """left - right in 64 bits."""
    return np.int64(np.uint64(left) - np.uint64(right))


@device
def multiply(left: Any, right: Any) -> Any:
    """left · right in 64 bits."""
    return np.int64(np.uint64(left) * np.uint64(right))
