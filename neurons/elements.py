"""Items of arrays in kernels: an index as Python counts it, checked."""

from __future__ import annotations

from typing import Any

from .jit import device


@device
def place(index: int, size: int, status: Any, code: int) -> int:
    """The place of an item: `index`, from the end where it is negative.

    Args:
        index: any whole number.
        size: number of items, at least 1.
        status: (3,): where the index is out of range, the code, the index and the size are left here; the place is 0.
        code: see `compiler.hazards`.
    """
    if index < -size or index >= size:
        status[0] = code
        status[1] = index
        status[2] = size
        return 0
    return index + size if index < 0 else index
