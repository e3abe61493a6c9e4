"""Transcendental functions: nanoseconds per number in a Horn kernel, beside NumPy's and `math`'s in a numba loop.

    python benchmarks/transcendental.py

One thread, 100 × 512 numbers as of a layer's batch; the best of many runs, each function's ways in turn. NumPy's
float32 functions (``np.f(x, out=y)``) are passes of their own over memory; in a kernel they would cost the reading and
writing besides. `erf` is SciPy's there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from scipy import special

from horn.neurons import mathematics

FUNCTIONS = ("exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")


def loop_over(function: Callable[[Any], Any]) -> Callable[[np.ndarray, np.ndarray], None]:
    """A loop over a matrix, compiled as kernels are."""

    @numba.njit(error_model="numpy", nogil=True)
    def loop(x: Any, y: Any) -> None:
        for e in range(x.shape[0]):
            for i in range(x.shape[1]):
                y[e, i] = function(x[e, i])

    return loop


def called(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """`function` of `math` as numba compiles it: a call of the C library."""

    @numba.njit(error_model="numpy")
    def call(x: Any) -> Any:
        return function(x)

    return call


def nanoseconds(ways: dict[str, Callable[[], object]], numbers: int, turns: int = 60) -> dict[str, float]:
    """Nanoseconds per number of each way: the best of all turns."""
    best = dict.fromkeys(ways, math.inf)
    for _ in range(turns):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: 1e9 * seconds / numbers for name, seconds in best.items()}


def main() -> None:
    y = np.empty((100, 512), np.float32)
    x = np.random.default_rng(1).normal(scale=2, size=y.shape).astype(np.float32)
    print(f"{'':<8}{'kernel':>8}{'NumPy':>8}{'math':>8}   ns per number")
    for name in FUNCTIONS:
        inlined, scalar = loop_over(getattr(mathematics, name)), loop_over(called(getattr(math, name)))
        array = getattr(special if name == "erf" else np, name)
        # Positive numbers, where the others have no logarithm.
        domain = abs(x) if name.startswith("log") else x
        ways = {
            "kernel": lambda run=inlined, domain=domain: run(domain, y),
            "NumPy": lambda run=array, domain=domain: run(domain, out=y),
            "math": lambda run=scalar, domain=domain: run(domain, y),
        }
        found = nanoseconds(ways, y.size)
        print(f"{name:<8}{found['kernel']:8.2f}{found['NumPy']:8.2f}{found['math']:8.2f}")


if __name__ == "__main__":
    main()
