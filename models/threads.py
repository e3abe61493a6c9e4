"""How many threads the BLAS uses."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

from horn.neurons.blas import is_numpys


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Limit every BLAS of this process to `count` threads while inside, and NumPy's own to one.

    The threads of two libraries would wait for work on each other's cores. Measured on two cores with two threads: 100
    epochs of conjugate gradients, whose vectors SciPy multiplies by NumPy's BLAS, took 6.8 s, and 1.8 s with one there.
    """
    # numba's is scipy's: loaded after the limit was set, it would be unlimited
    importlib.import_module("scipy.linalg.cython_blas")
    loaded = ThreadpoolController()
    numpys = loaded.select(filepath=[it["filepath"] for it in loaded.info() if is_numpys(it["filepath"])])
    with loaded.limit(limits=count, user_api="blas"), numpys.limit(limits=1):
        yield
