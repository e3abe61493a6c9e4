"""What a codec is: it makes few bytes of an update, from which an approximation can be had."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Codec(ABC):
    """Encodes flat arrays of floats. It may keep nothing from one call to the next: every peer has its own."""

    @abstractmethod
    def encode(self, values: NDArray[np.floating]) -> list[NDArray[Any]]:
        """What is sent for `values`: arrays of any kinds and lengths, small together."""

    @abstractmethod
    def decode(self, parts: Sequence[NDArray[Any]], size: int) -> NDArray[np.float32]:
        """The approximation of the `size` values that `encode` has made `parts` of: a new array."""
