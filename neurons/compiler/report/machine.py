"""What this machine can do: measured, in a second, to judge measured times by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..operations.gemm import forward_sums, gemm_for
from ..operations.update import add
from ..operations.work import Work

_SECONDS = 0.3
_SIDE = 512
_LEAST, _MOST = 1 << 18, 1 << 25


@dataclass(frozen=True)
class Machine:
    """Rates of this machine, at the number of threads that BLAS has.

    Args:
        flops: operations per second of a matrix product of 512 × 512 × 512.
        bytes: bytes per second, read and written, of a copy of an array as large as those of the step.
        call: seconds of a call that has next to nothing to do.
    """

    flops: float
    bytes: float
    call: float

    def seconds(self, work: Work) -> float:
        """The time that a call takes at least: arithmetic as fast as in a matrix product, bytes as in a copy."""
        return self.call + max(work.flops / self.flops, work.bytes / self.bytes)


def measure(dtype: DTypeLike, size: int) -> Machine:
    """Measure this machine.

    Args:
        dtype: of the numbers.
        size: bytes of the largest array that is worked on; a copy is faster where it stays in the cache.
    """
    left, right, out = (np.ones((_SIDE, _SIDE), dtype) for _ in range(3))
    product = _best(lambda: forward_sums(gemm_for(out), left, right, out))
    source = np.ones(min(max(size, _LEAST), _MOST), np.uint8)
    target = np.empty_like(source)
    copy = _best(lambda: np.copyto(target, source))
    row = left[0, :8]
    call = _best(lambda: add(row, out[0, :8]))
    return Machine(2 * _SIDE**3 / product, 2 * source.nbytes / copy, call)


def _best(call: Callable[[], Any]) -> float:
    """Seconds of the fastest call."""
    call()
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while (start := time.perf_counter()) < end:
        call()
        best = min(best, time.perf_counter() - start)
    return best
