"""What became of a message loop, for `explain()` and for those who ask why."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import SourceLine
from ..nir.expressions import ONE, Expr


@dataclass(frozen=True)
class Kept:
    """A message loop that stays a loop.

    Args:
        reason: what keeps it one.
        where: the user's line.
        cure: what to write so that it need not; empty where nothing helps.
    """

    reason: str
    where: SourceLine | None
    cure: str = ""


class NoProductError(Exception):
    """Raised within the search for products: something is none. `classify` tells it as `Kept`."""

    def __init__(self, reason: str, cure: str = "", where: SourceLine | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cure = cure
        self.where = where


@dataclass(frozen=True)
class Match:
    """One term of a sum, or of a push, that was found to be a product.

    Args:
        target: the user's variable, or "push".
        coefficient: what does not depend on the message.
        left: what differs between examples.
        right: what differs between neurons.
    """

    target: str
    coefficient: Expr
    left: Expr
    right: Expr

    def __str__(self) -> str:
        factors = [str(part) for part in (self.coefficient, self.left, self.right) if part != ONE]
        return f"{self.target}: {' * '.join(factors) or '1'}"


@dataclass(frozen=True)
class LoopReport:
    """What became of one message loop.

    Args:
        method: "forward" or "backward".
        where: the user's line.
        kept: why it stays a loop; None where it is a sum of products.
        matched: the terms of its sums and of its push; none where it stays a loop.
        scalar: why it cannot run for many neurons at once either; None where it can.
    """

    method: str
    where: SourceLine | None
    kept: Kept | None
    matched: tuple[Match, ...] = ()
    scalar: Kept | None = None

    @property
    def tier(self) -> str:
        """How the loop runs: "GEMM", "lanes" or "scalar"."""
        if self.kept is None:
            return "GEMM"
        return "scalar" if self.scalar else "lanes"
