"""Nonlinear conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import require_rate
from .base import Minimizer, Objective, Vector
from .searching import expect_failures


@dataclass(frozen=True)
class ConjugateGradients(Minimizer):
    """w ← w + α·p, p ← -g + β⁺·p, β of Polak and Ribière, α of a strong Wolfe line search.

    E. Polak, G. Ribière, 1969; J. Nocedal, S. Wright, "Numerical Optimization", 2006, section 5.2; scipy's "CG". The
    second paper's method: begun anew in every round of training. A search that finds no better point ends its batch:
    in float32 the cost near a minimum is not smooth.

    Args:
        iterations: line searches per batch.
        tolerance: ends a batch where no element of the gradient is larger.
    """

    iterations: int = 5
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_rate("tolerance", self.tolerance)

    def minimize(self, objective: Objective, start: Vector, rate: float) -> Vector:
        """See `Minimizer`."""
        from scipy.optimize import minimize

        expect_failures()  # SciPy hides them by `catch_warnings`: not where peers are threads
        options = {"maxiter": self.iterations, "gtol": self.tolerance}
        return np.asarray(minimize(objective, start, jac=True, method="CG", options=options).x)
