"""Python values as typed arrays, without what NumPy would lose on the way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError

Array = NDArray[Any]
_PLAIN_KINDS = "biufcSUmM"


def plain_dtype(dtype: Any) -> np.dtype[Any]:
    """Return a dtype of numbers, fixed-width strings or dates, or of fields of these. Raises BSPError for others."""
    try:
        made: np.dtype[Any] = np.dtype(dtype)
    except TypeError as error:
        raise BSPError(f"{dtype!r} is no dtype: {error}") from error
    fields = [made] if made.fields is None else [field[0] for field in made.fields.values()]
    if made.subdtype is not None or any(field.base.kind not in _PLAIN_KINDS for field in fields):
        raise BSPError(f"a dtype of numbers, fixed-width strings or dates, or one level of fields of these, got {made}")
    return made


def typed(values: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """Return values as an array: numbers for a plain dtype, tuples for one with fields.

    Raises:
        BSPError: a value does not fit: another kind, too large, or rows of another length.
    """
    if dtype.names is None:
        return _column(values, dtype, ())
    try:
        columns = list(zip(*values, strict=True))
    except (TypeError, ValueError) as error:
        raise BSPError(f"rows must be tuples of {len(dtype.names)} values, for {dtype}") from error
    if len(columns) != len(dtype.names):
        raise BSPError(f"rows must be tuples of {len(dtype.names)} values, for {dtype}, got {len(columns)}")
    rows = np.empty(len(values), dtype)
    for name, column in zip(dtype.names, columns, strict=True):
        field = dtype[name]
        rows[name] = _column(column, field.base, field.shape)
    return rows


def retyped(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a 1-d array as a copy of a dtype. Raises BSPError where it does not fit."""
    if array.ndim != 1:
        raise BSPError(f"a 1-d array is needed, got shape {array.shape}")
    if dtype.names is not None:
        if array.dtype != dtype:
            raise BSPError(f"an array of {dtype} is needed, got {array.dtype}")
        return array.copy()
    return cast(array, dtype)


def cast(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a copy of an array in a dtype. Raises BSPError where that loses more than digits."""
    whole = array.dtype.kind in "iu" and dtype.kind in "iu"
    if not whole and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise BSPError(f"values of {dtype} are needed, got {array.dtype}: convert them")
    if whole and array.size and not np.can_cast(array.dtype, dtype):
        low, high = int(array.min()), int(array.max())
        if low < np.iinfo(dtype).min or high > np.iinfo(dtype).max:
            raise BSPError(f"values of {dtype} are needed, got some from {low} to {high}")
    if array.dtype.kind in "SU" and array.dtype.itemsize > dtype.itemsize:
        raise BSPError(f"strings of {dtype} are needed, got some of {array.dtype}")
    return array.astype(dtype)


def _column(values: Sequence[Any], dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    try:
        array = np.array(values)
    except ValueError as error:
        raise BSPError(f"values of {dtype} and shape {shape} are needed: {error}") from error
    if array.shape != (len(values), *shape):
        raise BSPError(f"values of {dtype} and shape {shape} are needed, got shape {array.shape[1:]}")
    return cast(array, dtype)
