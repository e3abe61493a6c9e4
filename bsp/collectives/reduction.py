"""Reducing arrays along one tree, so that the same members give the same bits wherever they live."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError

Array = NDArray[Any]
# Bytes per step of a reduction over more than two arrays: the partial sums stay in the cache.
_BLOCK = 1 << 16

OPERATIONS: dict[str, Callable[..., Any]] = {
    "sum": np.add,
    "mean": np.add,
    "max": np.maximum,
    "min": np.minimum,
}


def tree_reduce(parts: Sequence[Array], operation: Callable[..., Any], out: Array) -> None:
    """Reduce equally long 1-d arrays along the binary tree over their positions into `out`.

    The tree splits at the largest power of two below the number of parts: ((0+1)+(2+3))+... `out` may be one of the
    parts only if that is the first.
    """
    count = len(parts)
    if count == 1:
        np.copyto(out, parts[0])
        return
    if count == 2:
        operation(parts[0], parts[1], out=out)
        return
    step = max(1, _BLOCK // out.itemsize)
    scratch = [np.empty(min(step, out.size), out.dtype) for _ in range(count.bit_length())]
    for start in range(0, out.size, step):
        stop = min(start + step, out.size)
        _reduce_block([part[start:stop] for part in parts], operation, out[start:stop], scratch)


def _reduce_block(parts: Sequence[Array], operation: Callable[..., Any], out: Array, scratch: Sequence[Array]) -> None:
    if len(parts) == 1:
        np.copyto(out, parts[0])
        return
    if len(parts) == 2:
        operation(parts[0], parts[1], out=out)
        return
    middle = 1 << ((len(parts) - 1).bit_length() - 1)
    right = parts[middle]
    _reduce_block(parts[:middle], operation, out, scratch[1:])
    if len(parts) > middle + 1:
        right = scratch[0][: out.size]
        _reduce_block(parts[middle:], operation, right, scratch[1:])
    operation(out, right, out=out)


def operand(value: Any, op: str, name: str) -> Array:
    """Return the array that a reduction works on. Raises BSPError for what cannot be reduced.

    Booleans count as int64, and the mean of integers is float64.
    """
    if op not in OPERATIONS:
        raise BSPError(f"the operation must be one of {', '.join(OPERATIONS)}, got {op!r}")
    array: Array = np.ascontiguousarray(value) if np.ndim(value) else np.array(value)
    if array.dtype.kind not in ("biuf" if op in ("max", "min") else "biufc"):
        raise BSPError(f"{name} {op} works on numbers, got dtype {array.dtype}")
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if op == "mean" and array.dtype.kind in "iu":
        array = array.astype(np.float64)
    return array


def result_like(array: Array, out: Array | None) -> Array:
    """Return `out` if it can hold a result like `array`, or a new array where there is none. Raises BSPError."""
    if out is None:
        return np.empty(array.shape, array.dtype)
    if out.shape != array.shape or out.dtype != array.dtype or not out.flags.c_contiguous or not out.flags.writeable:
        raise BSPError(
            f"out must be a writable C-contiguous array of shape {array.shape} and dtype {array.dtype}, "
            f"got shape {out.shape} and dtype {out.dtype}"
        )
    return out
