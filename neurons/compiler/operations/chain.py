"""What is done between layers, the same for every class: normalizations, the cost's gradient, a sub-model's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...interlayer import Interlayer
from ...jit import kernel
from .operation import Operation, Pass
from .work import NO_WORK, Work


def _difference(outputs: Any, targets: Any, gradient: Any) -> None:
    np.subtract(outputs, targets, out=gradient)


@kernel
def _take(inputs: Any, columns: Any, part: Any) -> None:
    for e in range(inputs.shape[0]):
        for i in range(len(columns)):
            part[e, i] = inputs[e, columns[i]]


@dataclass(frozen=True)
class ChainOperations:
    """What is done with the outputs and deltas of a layer.

    Args:
        difference: outputs less targets, where that is the gradient of a normalization and its cost.
        take: the inputs that a sub-model keeps.
    """

    difference: Operation
    take: Operation


CHAIN = ChainOperations(
    difference=Pass(
        "outputs - targets", _difference, ("outputs", "targets", "G"), "G", Work(1), ("outputs", "targets"), ("G",)
    ),
    take=Pass("take", _take, ("inputs", "columns", "part"), "part", NO_WORK, ("part",), ("part",)),
)


@dataclass(frozen=True)
class Normalization:
    """An interlayer function on all examples.

    Args:
        apply: from the outputs of the layer before, X, to the messages, S.
        backward: from the deltas, D, to those of the layer before, G.
    """

    apply: Operation
    backward: Operation

    @classmethod
    def of(cls, interlayer: Interlayer) -> Normalization:
        """The operations of an interlayer function."""

        def apply(outputs: Any, normalized: Any) -> None:
            normalized[...] = interlayer.apply_batch(outputs)

        def backward(outputs: Any, normalized: Any, deltas: Any, gradient: Any) -> None:
            gradient[...] = interlayer.backward_batch(outputs, normalized, deltas)

        name = type(interlayer).__name__
        return cls(
            Pass(name, apply, ("X", "S"), "S", NO_WORK, ("X",), ("S",)),
            Pass(f"{name}, backward", backward, ("X", "S", "D", "G"), "G", NO_WORK, ("X", "S", "D"), ("G",)),
        )
