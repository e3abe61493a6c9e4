"""The two ways in which Horn uses numba, with the options that its speed and its meaning rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

# error_model: Python's own check of a zero divisor blocks SIMD (measured: 0.84 against 0.09 ns per element).
# No fastmath: what is no matrix product is then bitwise what the interpreter computes.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "cache": True}


def device(function: F) -> F:
    """Compile a function that kernels call, inlined into them so that their loops still become SIMD."""
    return numba.njit(forceinline=True, **_OPTIONS)(function)


def kernel(function: F) -> F:
    """Compile a function that Python calls with arrays; it releases the GIL."""
    return numba.njit(**_OPTIONS)(function)
