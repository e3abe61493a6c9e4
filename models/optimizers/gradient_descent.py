"""Gradient descent with a line search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..checks import require_fraction
from .base import Minimizer, Objective, Vector
from .searching import expect_failures

#: How often a step is halved before the search gives up: to 1e-12 of the first.
_HALVINGS = 40


@dataclass(frozen=True)
class GradientDescent(Minimizer):
    """w ← w - α·g, g the gradient, α found by a line search in every iteration.

    The first α tried is the learning rate. With sufficient decrease alone (L. Armijo, 1966) it is halved until
    f(w - α·g) ≤ f(w) - c₁·α·|g|². With a curvature condition as well (P. Wolfe, 1969) α may also grow, and obeys
    |f'(α)| ≤ c₂·|f'(0)| too. Where no such α is found, the step ends.

    Args:
        iterations: steps down the gradient, per batch.
        decrease: c₁, in [0, 1).
        curvature: c₂, between c₁ and 1; None for sufficient decrease alone.
    """

    decrease: float = 1e-4
    curvature: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_fraction("decrease", self.decrease)
        if self.curvature is not None and not self.decrease < self.curvature < 1:
            raise ValueError(
                f"curvature must lie between decrease={self.decrease!r} and 1, or be None for sufficient decrease "
                f"alone, got {self.curvature!r}; 0.9 is usual"
            )

    def minimize(self, objective: Objective, start: Vector, rate: float) -> Vector:
        """See `Minimizer`."""
        point = start
        for _ in range(self.iterations):
            here = _Here(point, *objective(point))
            if self.curvature is None:
                length = _halved(objective, here, rate, self.decrease)
            else:
                length = _curved(objective, here, rate, self.decrease, self.curvature)
            if length is None:
                break
            point = point - length * here.gradient
        return point


class _Here(NamedTuple):
    """Where a search starts."""

    point: Vector
    loss: float
    gradient: Vector

    @property
    def slope(self) -> float:
        """By how much the loss falls per α."""
        return float(self.gradient @ self.gradient)


def _halved(objective: Objective, here: _Here, length: float, decrease: float) -> float | None:
    """α of sufficient decrease, from `length` on."""
    for _ in range(_HALVINGS):
        if objective(here.point - length * here.gradient)[0] <= here.loss - decrease * length * here.slope:
            return length
        length /= 2
    return None


def _curved(objective: Objective, here: _Here, length: float, decrease: float, curvature: float) -> float | None:
    """α of sufficient decrease and curvature, from `length` on."""
    from scipy.optimize import line_search

    if here.slope == 0.0:
        return None
    # its first α is 2.02 times the fall from the loss before, over the slope: a loss before that makes it `length`
    before = here.loss + length * here.slope / 2.02
    expect_failures()
    found = line_search(
        lambda it: objective(it)[0],
        lambda it: objective(it)[1],
        here.point,
        -here.gradient,
        here.gradient,
        here.loss,
        before,
        c1=decrease,
        c2=curvature,
    )[0]
    return None if found is None else float(found)
