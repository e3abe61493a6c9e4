"""What reductions compute: "sum", "mean", "max", "min", ufuncs, and functions of two values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError

Array = NDArray[Any]
Op = str | np.ufunc | Callable[[Any, Any], Any]
"""An elementwise operation by its name or as a ufunc; any other function of two values joins whole values."""

_UFUNCS: dict[str, np.ufunc] = {"sum": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum}


@dataclass(frozen=True, slots=True)
class Elementwise:
    """An operation on each element of two arrays.

    Attributes:
        name: as peers tell each other what they called.
        ufunc: what it computes.
        mean: whether the result is divided by the number of members.
    """

    name: str
    ufunc: np.ufunc
    mean: bool = False

    def finish(self, total: Array, members: int) -> None:
        """Turn what the members give together into the result, in place."""
        if self.mean:
            np.divide(total, members, out=total)


def elementwise(op: Op) -> Elementwise | None:
    """Return the elementwise operation that `op` stands for, or None for a function of whole values.

    Raises:
        BSPError: no such operation.
    """
    if isinstance(op, str):
        if op not in _UFUNCS:
            raise BSPError(
                f"the operation must be one of {', '.join(_UFUNCS)}, or a function of two values, got {op!r}"
            )
        return Elementwise(op, _UFUNCS[op], op == "mean")
    if isinstance(op, np.ufunc):
        if op.nin != 2 or op.nout != 1 or op.signature is not None:
            raise BSPError(f"a reduction takes an elementwise function of two arrays, got the ufunc {op.__name__}")
        return Elementwise(op.__name__, op)
    if not callable(op):
        raise BSPError(f"the operation must be a name or a function of two values, got {op!r}")
    return None


def name_of(op: Op) -> str:
    """Return the name of a function, as peers tell each other what they called."""
    return str(getattr(op, "__qualname__", type(op).__name__))


def operand(value: Any, operation: Elementwise) -> Array:
    """Return the array that an elementwise reduction works on.

    Booleans count as int64 where they are added or compared by name, and the mean of integers is float64.

    Raises:
        BSPError: what cannot be reduced, or does not stay of one dtype.
    """
    array: Array = np.ascontiguousarray(value) if np.ndim(value) else np.array(value)
    named = operation.name in _UFUNCS
    if array.dtype.kind not in ("biufmM" if operation.ufunc in (np.maximum, np.minimum) else "biufcm"):
        raise BSPError(f"{operation.name} works on numbers, got dtype {array.dtype}")
    if named and array.dtype.kind == "b":
        array = array.astype(np.int64)
    if operation.mean and array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if not named:
        _check_closed(operation.ufunc, array.dtype)
    return array


def result_like(shape: tuple[int, ...], dtype: np.dtype[Any], out: Array | None) -> Array:
    """Return `out` if it can hold a result, or a new array where there is none. Raises BSPError."""
    if out is None:
        return np.empty(shape, dtype)
    if out.shape != shape or out.dtype != dtype or not out.flags.c_contiguous or not out.flags.writeable:
        raise BSPError(
            f"out must be a writable C-contiguous array of shape {shape} and dtype {dtype}, "
            f"got shape {out.shape} and dtype {out.dtype}"
        )
    return out


def _check_closed(ufunc: np.ufunc, dtype: np.dtype[Any]) -> None:
    try:
        given = ufunc(np.empty(0, dtype), np.empty(0, dtype)).dtype
    except TypeError as error:
        raise BSPError(f"{ufunc.__name__} does not work on dtype {dtype}") from error
    if given != dtype:
        raise BSPError(
            f"{ufunc.__name__} makes {given} of {dtype}: a reduction must stay of one dtype, so convert the array first"
        )
