from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

class OptimizeResult:
    x: NDArray[np.float64]

def minimize(
    fun: Callable[..., Any],
    x0: NDArray[np.float64],
    *,
    method: str,
    jac: bool,
    options: dict[str, Any],
) -> OptimizeResult: ...
def line_search(
    f: Callable[..., Any],
    myfprime: Callable[..., Any],
    xk: NDArray[np.float64],
    pk: NDArray[np.float64],
    gfk: NDArray[np.float64],
    old_fval: float,
    old_old_fval: float,
    *,
    c1: float,
    c2: float,
) -> tuple[Any, ...]: ...
