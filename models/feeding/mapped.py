"""Arrays in memory-mapped files, which every process maps for itself instead of getting a copy."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


def mapping_of(array: NDArray[Any]) -> np.memmap[Any, Any] | None:
    """The mapping of a file that an array is, or is a part of; None for an array in memory."""
    root: Any = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    return root if isinstance(root, np.memmap) and isinstance(root.base, mmap.mmap) else None


@dataclass(frozen=True)
class InFile:
    """An array that processes map from its file, whole or a part of it.

    Args:
        path: the file.
        dtype: NumPy's name of the array's type.
        shape: of the array.
        offset: where its first element lies, in bytes.
        strides: bytes from one element to the next, by dimension; none is negative.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]

    @classmethod
    def of(cls, array: NDArray[Any]) -> InFile | None:
        """Where an array lies in a file; None if it does not, or not as the program sees it."""
        root = mapping_of(array)
        if root is None or root.filename is None or root.mode == "c":  # "c" keeps changes from the file
            return None
        if not array.size or min(array.strides) < 0:
            return None
        offset = root.offset + _address(array) - _address(root)
        return cls(str(root.filename), array.dtype.str, array.shape, offset, array.strides)

    def open(self, shared: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Map the file, read-only."""
        dtype = np.dtype(self.dtype)
        steps = zip(self.shape, self.strides, strict=True)
        span = dtype.itemsize + sum((length - 1) * stride for length, stride in steps)
        mapped = np.memmap(self.path, np.uint8, "r", self.offset, (span,))
        return np.ndarray(self.shape, dtype, mapped, 0, self.strides)


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])
