"""The arguments of an emitted kernel: what its text mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..nir.expressions import Expr, Hyper
from ..nir.trees import subexpressions

#: Numbers that every kernel can have; see `writer`.
SCALARS = (
    "first", "bias", "share", "step", "k0", "k1", "learning_rate", "momentum", "iteration", "layer", "incoming",
    "outgoing",
)  # fmt: skip


def mentioned(text: str, names: Iterable[str]) -> list[str]:
    """Those of the names that a text mentions, in their order."""
    return [name for name in names if re.search(rf"(?<![\w.]){name}(?!\w)", text)]


def hypers(*expressions: Expr) -> list[str]:
    """The arguments for the hyperparameters in expressions."""
    parts = (part for expression in expressions for part in subexpressions(expression))
    return sorted({f"h_{part.name}" for part in parts if isinstance(part, Hyper)})
