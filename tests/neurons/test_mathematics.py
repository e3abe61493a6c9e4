"""Transcendental functions of float32: against float64 over all of float32, at the edges, and in SIMD lanes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from scipy import special

from horn.neurons import mathematics

NAMES = ["exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf"]
ODD = ["expm1", "log1p", "sin", "tan", "sinh", "tanh", "erf"]
LARGEST = float(np.finfo(np.float32).max)
#: Zero, subnormals, and around where results become subnormal, zero, infinite, one, or the argument itself.
EDGES = [
    0.0, 1e-45, 1e-40, 2.0**-126, 2.0**-28, 2.0**-24, 2.0**-12, 0.5, 0.75, math.pi / 4, 1.0, math.sqrt(2.0), math.pi,
    3.9, 4.0, 9.01, 17.0, 87.3, 88.72, 88.73, 89.4, 89.5, 103.9, 104.0, 1e6, 16777215.0, 1e30, LARGEST, math.inf,
]  # fmt: skip


def loop_over(function: Callable[[Any], Any]) -> Any:
    """A loop over an array with the function inlined, as kernels have it: ``loop(x, y)``, float32."""

    @numba.njit("void(float32[::1], float32[::1])", error_model="numpy")
    def loop(x: Any, y: Any) -> None:
        for i in range(len(x)):
            y[i] = function(x[i])

    return loop


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def loop(name: str) -> Any:
    return loop_over(getattr(mathematics, name))


def computed(loop: Any, x: np.ndarray) -> np.ndarray:
    y = np.full_like(x, 123.0)
    loop(x, y)
    return y


def true(name: str, x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        found: np.ndarray = getattr(special if name == "erf" else np, name)(x.astype(np.float64))
    return found


def check(name: str, x: np.ndarray, found: np.ndarray) -> None:
    expected = true(name, x)
    with np.errstate(all="ignore"):
        rounded = expected.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite], rounded[~finite])
    spacing = np.spacing(np.abs(rounded[finite])).astype(np.float64)
    ulps = np.abs(found[finite].astype(np.float64) - expected[finite]) / spacing
    worst = int(np.argmax(ulps))
    assert ulps[worst] <= 0.5002, f"{name}({x[finite][worst]!r}) = {found[finite][worst]!r}"
    zero = rounded == 0
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(rounded[zero]))


def test_error_over_all_of_float32(name: str, loop: Any) -> None:
    x = np.arange(0, 1 << 32, 2039, np.uint64).astype(np.uint32).view(np.float32)  # every 2039th bit pattern
    check(name, x, computed(loop, x))


def test_error_where_neurons_work(name: str, loop: Any) -> None:
    x = np.random.default_rng(3).normal(scale=3, size=500_000).astype(np.float32)
    check(name, x, computed(loop, x))


def test_edges(name: str, loop: Any) -> None:
    some = np.array(EDGES, np.float32)
    with np.errstate(over="ignore"):  # beyond the largest
        near = np.concatenate([some, np.nextafter(some, np.float32(0)), np.nextafter(some, np.float32(np.inf))])
    x = np.concatenate([near, -near, np.array([np.nan], np.float32)])
    check(name, x, computed(loop, x))


def test_a_number_gives_the_same_bits_in_every_lane(name: str, loop: Any) -> None:
    # Beside others in a vector, in the remainder of a loop, and alone.
    x = np.random.default_rng(5).normal(scale=5, size=77).astype(np.float32)
    together = computed(loop, x)
    for size in (1, 5, 19):
        parts = [computed(loop, x[start : start + size]) for start in range(0, len(x), size)]
        np.testing.assert_array_equal(np.concatenate(parts), together)


def test_loops_become_simd(loop: Any) -> None:
    (ir,) = loop.inspect_llvm().values()
    vectors = [line for line in ir.splitlines() if "llvm.fma.v" in line and "call" in line]
    assert vectors, "no multiply-add of vectors: something keeps LLVM from vectorising the loop"


@pytest.mark.parametrize("name", ODD)
def test_zeros_keep_their_sign(name: str) -> None:
    zeros = np.array([0.0, -0.0], np.float32)
    found = computed(loop_over(getattr(mathematics, name)), zeros)
    np.testing.assert_array_equal(found, zeros)
    np.testing.assert_array_equal(np.signbit(found), [False, True])


def test_powers_of_two_have_whole_logarithms() -> None:
    exponents = np.arange(-149, 128)
    x = np.ldexp(np.float32(1), exponents).astype(np.float32)
    np.testing.assert_array_equal(computed(loop_over(mathematics.log2), x), exponents)
