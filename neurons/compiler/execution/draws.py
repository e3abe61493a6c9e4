"""What the random numbers of a batch are counted by, and the numbers that change from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine import Batch, Rates
from ...spec import Precision


@dataclass(frozen=True)
class Draws:
    """The counters of a batch's draws: positions, lanes, step; the key; and what changes from step to step.

    `total` is the number of examples in the job's batch, `real` the type of the network's numbers. `nested`: as for
    `Batch`.
    """

    positions: NDArray[np.uint32]
    lanes: NDArray[np.uint32]
    key: tuple[np.uint32, np.uint32]
    rates: Rates
    real: Precision
    total: int = 1
    nested: bool = False

    @classmethod
    def of(cls, batch: Batch, rates: Rates, key: tuple[np.uint32, np.uint32], real: Precision) -> Draws:
        """Those of a batch while training."""
        return cls(batch.positions, batch.lanes, key, rates, real, batch.total, batch.nested)

    @property
    def share(self) -> float:
        """What one example counts in the mean over the job's batch."""
        return 1.0 / self.total

    @cached_property
    def values(self) -> dict[str, Any]:
        """What kernels take of it, by name."""
        rates, real = self.rates, self.real
        return {
            "positions": self.positions,
            "lanes": self.lanes,
            "nested": self.nested,
            "step": np.uint32(rates.step & 0xFFFFFFFF),
            "k0": self.key[0],
            "k1": self.key[1],
            "learning_rate": real(rates.learning_rate),
            "momentum": real(rates.momentum),
            "iteration": rates.step,
            "share": real(self.share),
        }

    def at(self, factor: float) -> dict[str, Any]:
        """The values, the learning rate times `factor`."""
        if factor == 1.0:
            return self.values
        return self.values | {"learning_rate": self.real(self.rates.times(factor).learning_rate)}
