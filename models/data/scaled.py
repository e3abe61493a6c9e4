"""Images that stay bytes until a batch is gathered.

60,000 images of MNIST are 47 MB as bytes and 188 MB as float32, once per process. A `ScaledArray` keeps the bytes,
looks like the float32 array from outside, and converts what is taken out of it. Code that gathers batches itself
reads `array` and `scale` and converts in the same pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = int | slice | Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ScaledArray:
    """An array of small integers that reads like `scale * array` in float32.

    Args:
        array: the stored values, any shape, of an integer dtype; may be memory-mapped. Never copied as a whole.
        scale: what one unit of the stored values is worth; 1/255 turns grey values into [0, 1].

    Raises:
        TypeError: `array` is not of an integer dtype.
    """

    array: NDArray[Any]
    scale: float

    def __post_init__(self) -> None:
        if not np.issubdtype(self.array.dtype, np.integer):
            raise TypeError(
                f"a ScaledArray holds integers, got {self.array.dtype}: use the array itself, it needs no scale"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.array.size

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """The type of what indexing returns: float32."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, key: Rows | tuple[Rows, ...]) -> NDArray[np.float32]:
        """The chosen part, scaled: a new float32 array (0-dimensional for a single element)."""
        return self._scaled(np.asarray(self.array[key]))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The whole, scaled, for `numpy.asarray`: four times the memory of the stored bytes."""
        if copy is False:
            raise ValueError("a ScaledArray is scaled as it is read: without a copy there is only its `array`")
        whole = self._scaled(np.asarray(self.array))
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def _scaled(self, part: NDArray[Any]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = np.multiply(part, np.float32(self.scale), dtype=np.float32, casting="same_kind")
        return scaled
