"""Arrays that begin at a cache line, from Python and from kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from horn.neurons.aligned import aligned, scratch
from horn.neurons.jit import kernel


@kernel
def _filled(count: int, like: Any) -> Any:
    values = scratch(count, like.dtype)
    values[:] = 1
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("count", [1, 7, 64, 1000])
def test_arrays_begin_at_a_line(count: int, dtype: Any) -> None:
    for found in (aligned(count, dtype), _filled(count, np.empty(0, dtype))):
        assert found.shape == (count,)
        assert found.dtype == dtype
        assert found.flags.c_contiguous
        assert found.ctypes.data % 64 == 0
