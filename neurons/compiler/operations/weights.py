"""The operations on the weights of one connection, as sinks and sub-models use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...part import gather
from .operation import Operation, Pass, PushProduct
from .update import add, carry_and_add, complete, decay_and_add, scatter, scatter_and_add
from .work import NO_WORK, Work

_BOTH = ("previous", "parameters")


def _zero(update: Any) -> None:
    update.fill(0.0)


@dataclass(frozen=True)
class WeightOperations:
    """What is done with the matrix of a connection; the arguments are those of `update`'s functions.

    Args:
        push: a term of the push's matrix product.
        zero: before a kernel adds pushes to a matrix.
        carry, decay, add: the step, made of a D that lies apart; of one that has gone into the previous change; the
            same without decay.
        complete: the change alone, without the step.
        gather, scatter: a sub-model's part, taken out and put back.
        scatter_and_add: the step of a sub-model.
    """

    push: Operation
    zero: Operation
    carry: Operation
    decay: Operation
    add: Operation
    complete: Operation
    gather: Operation
    scatter: Operation
    scatter_and_add: Operation


WEIGHTS = WeightOperations(
    push=PushProduct(),
    zero=Pass("zero", _zero, ("update",), "update", written=("update",)),
    carry=Pass(
        "carry_and_add", carry_and_add, ("update", *_BOTH, "beta", "gamma"),
        "update", Work(5), ("update", *_BOTH), _BOTH,
    ),
    decay=Pass("decay_and_add", decay_and_add, (*_BOTH, "gamma"), "previous", Work(3), _BOTH, _BOTH),
    add=Pass("add", add, _BOTH, "previous", Work(1), _BOTH, ("parameters",)),
    complete=Pass(
        "complete", complete, ("update", *_BOTH, "beta", "gamma"), "update", Work(4), ("update", *_BOTH), ("update",)
    ),
    gather=Pass("gather", gather, ("matrix", "rows", "columns", "part"), "part", NO_WORK, ("part",), ("part",)),
    scatter=Pass("scatter", scatter, ("part", "rows", "columns", "out"), "out", NO_WORK, ("part",), ("out",)),
    scatter_and_add=Pass(
        "scatter_and_add", scatter_and_add, ("part", "rows", "columns", *_BOTH, "beta", "gamma", "first"),
        "previous", Work(4), ("part", *_BOTH), _BOTH,
    ),
)  # fmt: skip
