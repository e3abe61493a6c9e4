"""What is done between layers, the same for every class: normalizations, the cost's gradient, a sub-model's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...interlayer import Interlayer
from ...jit import kernel
from ...random import synapse_words
from .operation import Operation, Pass
from .work import NO_WORK, Work


def _difference(outputs: Any, targets: Any, gradient: Any) -> None:
    np.subtract(outputs, targets, out=gradient)


def _weigh(gradient: Any, weights: Any) -> None:
    np.multiply(gradient, weights[:, np.newaxis], out=gradient)


@kernel
def _take(inputs: Any, columns: Any, part: Any) -> None:
    for e in range(inputs.shape[0]):
        for i in range(len(columns)):
            part[e, i] = inputs[e, columns[i]]


@kernel
def _draw_synapses(
    out: Any,
    senders: Any,
    receivers: Any,
    bias: Any,
    lane: Any,
    position: Any,
    nested: Any,
    step: Any,
    k0: Any,
    k1: Any,
) -> None:
    row = np.empty(4 * (np.int64(receivers[-1]) - np.int64(receivers[0]) + 9), np.uint32)
    out[:bias] = 0
    for s in range(len(senders)):
        words = synapse_words(row, senders[s], receivers, lane, position, nested, step, k0, k1)
        target = out[bias + s]
        for i in range(len(words)):
            target[i] = words[i]


@dataclass(frozen=True)
class ChainOperations:
    """What is done with the outputs and deltas of a layer.

    Args:
        difference: outputs less targets, where that is the gradient of a normalization and its cost.
        weigh: that gradient times the examples' weights, where they have some.
        take: the inputs that a sub-model keeps.
        draw: the random words of the synapses that lead to the layer.
    """

    difference: Operation
    weigh: Operation
    take: Operation
    draw: Operation


CHAIN = ChainOperations(
    difference=Pass(
        "outputs - targets", _difference, ("outputs", "targets", "G"), "G", Work(1), ("outputs", "targets"), ("G",)
    ),
    weigh=Pass("gradient · weights", _weigh, ("G", "W"), "G", Work(1), ("G", "W"), ("G",)),
    take=Pass("take", _take, ("inputs", "columns", "part"), "part", NO_WORK, ("part",), ("part",)),
    draw=Pass(
        "draw synapses", _draw_synapses,
        ("M", "senders", "receivers", "bias", "lane", "position", "nested", "step", "k0", "k1"),
        "M", Work(draws=1), written=("M",),
    ),
)  # fmt: skip


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
