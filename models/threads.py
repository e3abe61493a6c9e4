"""How many threads the BLAS uses."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Limit every BLAS of this process to `count` threads while inside."""
    # numba's is scipy's: loaded after the limit was set, it would be unlimited
    importlib.import_module("scipy.linalg.cython_blas")
    with threadpool_limits(count, user_api="blas"):
        yield
