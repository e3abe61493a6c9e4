"""Error feedback: what compression has left out of one update is added to the next.

S. Stich et al., "Sparsified SGD with Memory", 2018; S. P. Karimireddy et al., "Error Feedback Fixes SignSGD and other
Gradient Compression Schemes", 2019:

    sent = C(x + e),   e ← x + e − sent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Codec


class Feedback:
    """Encodes updates one after the other.

    Args:
        codec: C.
        size: elements of an update.

    Attributes:
        error: e, (size,) float32.
    """

    def __init__(self, codec: Codec, size: int) -> None:
        self._codec = codec
        self.error = np.zeros(size, np.float32)

    def encode(self, values: NDArray[np.floating], ranges: Sequence[slice]) -> list[list[NDArray[Any]]]:
        """What to send of an update in each range; the ranges together are all of it."""
        self.error += values
        return [self._encode(self.error[part]) for part in ranges]

    def _encode(self, values: NDArray[np.float32]) -> list[NDArray[Any]]:
        if not len(values):
            return []
        sent = self._codec.encode(values)
        values -= self._codec.decode(sent, len(values))
        return sent


def decode(codec: Codec, sent: Sequence[NDArray[Any]], size: int) -> NDArray[np.float32]:
    """What one range's worth of `Feedback.encode` stands for."""
    return codec.decode(sent, size) if size else np.zeros(0, np.float32)
