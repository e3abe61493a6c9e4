"""When to stop early: the convergence check of Horn."""

from __future__ import annotations

from dataclasses import dataclass, field

from .checks import require_count


@dataclass(frozen=True)
class Convergence:
    """Stop when the mean loss of the last `window` iterations is not below that of the `window` before by `tol`.

    Looked at every `window` iterations, over the iterations of one `fit`.

    Args:
        tol: the least that the mean loss must have fallen by to go on, in units of the loss.
        window: number of iterations per mean.

    Raises:
        ValueError: a `window` below 1, or a `tol` that is not finite.
    """

    tol: float = 1e-4
    window: int = 100

    def __post_init__(self) -> None:
        require_count("window", self.window)
        if not abs(self.tol) < float("inf"):
            raise ValueError(f"tol must be a finite number, got {self.tol!r}")


@dataclass
class ConvergenceCheck:
    """The running state of a `Convergence` during a `fit`: two sums, however long the window."""

    rule: Convergence
    _sum: float = 0.0
    _count: int = 0
    _before: float = field(default=float("inf"))

    def converged(self, loss: float) -> bool:
        """Take the loss of one more iteration; True if training is to stop after it."""
        self._sum += loss
        self._count += 1
        if self._count < self.rule.window:
            return False
        mean = self._sum / self._count
        stalled = not mean < self._before - self.rule.tol
        self._before, self._sum, self._count = mean, 0.0, 0
        return stalled
