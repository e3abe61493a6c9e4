"""How the benchmarks measure: sides in turn, medians, and the threads that both BLAS libraries use."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

from threadpoolctl import threadpool_info


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int, steps: int = 10) -> dict[str, float]:
    """Median milliseconds of each side, a few steps of each in turn, since the machine's speed drifts.

    Args:
        sides: what to time, by name.
        rounds: turns of each side; one more goes before them and is not counted.
        steps: calls in a turn.
    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            for _ in range(steps):
                start = time.perf_counter()
                side()
                if turn:  # the first turn warms up
                    times[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(found) for name, found in times.items()}


def blas_threads() -> dict[str, int]:
    """Threads of each BLAS library that is loaded, as it reports them."""
    return {f"{pool['internal_api']} {pool['version']}": pool["num_threads"] for pool in threadpool_info()}
