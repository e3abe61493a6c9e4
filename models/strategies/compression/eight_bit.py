"""An update in 8 bits per element, with a scale for each block.

T. Dettmers, "8-Bit Approximations for Parallelism in Deep Learning", 2016; scales by block as in T. Dettmers et al.,
"8-bit Optimizers via Block-wise Quantization", 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Codec

#: Elements that share a scale: one large element makes no others coarse but those of its block.
BLOCK = 256


class EightBit(Codec):
    """q = round(127·x / s), s the largest magnitude of the block of 256 elements; x ≈ s·q / 127.

    Bytes: 1 for each element and 4 for each block, instead of 4 for each element.
    """

    def encode(self, values: NDArray[np.floating]) -> list[NDArray[Any]]:
        """Elements (int8) and scales (float32)."""
        blocks = np.zeros((-(-len(values) // BLOCK), BLOCK), np.float32)
        blocks.reshape(-1)[: len(values)] = values
        scales = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
        np.divide(blocks, scales, out=blocks, where=scales > 0)
        return [np.rint(blocks).astype(np.int8).reshape(-1)[: len(values)], scales[:, 0]]

    def decode(self, parts: Sequence[NDArray[Any]], size: int) -> NDArray[np.float32]:
        """The elements by their scales."""
        elements, scales = parts
        values: NDArray[np.float32] = elements * np.repeat(scales, BLOCK)[:size]
        return values
