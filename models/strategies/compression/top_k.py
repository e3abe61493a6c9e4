"""The largest elements of an update, and where they are.

S. Stich et al., "Sparsified SGD with Memory", 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import require_share
from .base import Codec


class TopK(Codec):
    """Keeps the share of the elements that are largest in magnitude; the others are 0.

    Args:
        share: of the elements, in (0, 1]; at least one is kept.

    Bytes: 8 for each element kept, instead of 4 for each element.
    """

    def __init__(self, share: float = 0.01) -> None:
        self.share = require_share("share", share)

    def encode(self, values: NDArray[np.floating]) -> list[NDArray[Any]]:
        """Places (uint32, ascending) and values (float32)."""
        kept = min(max(1, round(self.share * len(values))), len(values))
        places = np.sort(np.argpartition(np.abs(values), len(values) - kept)[len(values) - kept :])
        return [places.astype(np.uint32), values[places].astype(np.float32)]

    def decode(self, parts: Sequence[NDArray[Any]], size: int) -> NDArray[np.float32]:
        """Those values at their places."""
        places, kept = parts
        values = np.zeros(size, np.float32)
        values[places] = kept
        return values
