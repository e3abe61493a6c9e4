"""L-BFGS: Newton's method with an inverse Hessian estimated from the last steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import require_count, require_rate
from .base import Minimizer, Objective, Vector


@dataclass(frozen=True)
class LBFGS(Minimizer):
    """w ← w - α·H·g, H the inverse Hessian that fits the last steps and changes of the gradient.

    D. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", 1989; scipy's "L-BFGS-B". For
    the recursion alone, over vectors in shards, see `two_loop`.

    Args:
        iterations: line searches per batch.
        history: how many steps H is made of.
        tolerance: ends a batch where no element of the gradient is larger.
    """

    iterations: int = 5
    history: int = 10
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("history", self.history)
        require_rate("tolerance", self.tolerance)

    def minimize(self, objective: Objective, start: Vector, rate: float) -> Vector:
        """See `Minimizer`."""
        from scipy.optimize import minimize

        options = {"maxiter": self.iterations, "maxcor": self.history, "gtol": self.tolerance, "ftol": 0.0}
        return np.asarray(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x)
