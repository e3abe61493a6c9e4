"""What a step consists of, found by making one in which nothing is computed.

A network's engine runs with every operation replaced by one that takes note of itself: the same code that trains
decides what is called, in which order, on arrays of which sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine import Batch, Rates
from ...spec import NetworkSpec
from ..execution.engine import Compiled
from ..operations.operation import Operation, Values
from ..operations.watching import Place, Watched
from ..operations.work import Work


@dataclass(frozen=True)
class Call:
    """One operation of a step.

    Args:
        layer: index of the layer that it belongs to.
        method: the layer's method: "forward", "predict", "backward", "push" (`backward` where nobody needs the delta),
            "bias_forward", "bias_backward" (those of the layer's bias sender); "kept" (a sub-model's mask), "chain"
            (normalizations), "cost", "states", "weights" (the connection to the next layer).
        kind: "GEMM", "kernel" or "pass".
        name: what it is.
        sizes: what it works on.
        work: how much it does.
    """

    layer: int
    method: str
    kind: str
    name: str
    sizes: str
    work: Work

    @classmethod
    def of(cls, place: Place, operation: Operation, values: Values) -> Call:
        """The call of an operation with these values."""
        sizes, work = operation.sizes(values), operation.work(values)
        return cls(place.layer, place.method, operation.kind, operation.label, sizes, work)


class Recorder:
    """Takes note of every operation, and runs none but the draw of a sub-model's mask: it decides the sizes."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def watch(self, place: Place, operation: Operation) -> Operation:
        """The operation that takes note of itself in place of this one."""
        return _Noted(place, operation, self.calls)


class _Noted(Watched):
    def __init__(self, place: Place, operation: Operation, calls: list[Call]) -> None:
        super().__init__(place, operation)
        self.calls = calls

    def run(self, values: Values) -> Any:
        self.calls.append(Call.of(self.place, self.operation, values))
        return self.operation.run(values) if self.place.method == "kept" else 0.0


def training_step(spec: NetworkSpec, examples: int, rates: Rates, *, submodels: bool = False) -> tuple[Call, ...]:
    """The calls of a step of a worker that is alone.

    Args:
        spec: the network.
        examples: size of the batch.
        rates: those of the step.
        submodels: True: one mask for the whole batch.

    Raises:
        NeuronError: the network cannot be compiled, or not trained.
    """
    recorder = Recorder()
    engine = _engine(spec, recorder, training=True)
    positions = np.arange(examples, dtype=np.uint32)
    targets = np.zeros((examples, spec.layers[-1].units), spec.precision)
    lanes = np.zeros_like(positions) if submodels else positions
    engine.step(Batch(_inputs(spec, examples), targets, positions, lanes, examples), rates)
    return tuple(recorder.calls)


def prediction(spec: NetworkSpec, examples: int) -> tuple[Call, ...]:
    """The calls of a prediction; arguments as for `training_step`."""
    recorder = Recorder()
    _engine(spec, recorder, training=False).predict(_inputs(spec, examples))
    return tuple(recorder.calls)


def _engine(spec: NetworkSpec, recorder: Recorder, *, training: bool) -> Compiled:
    # Nobody writes to them, so that the operating system never gives them memory.
    parameters, previous = (np.zeros(spec.size, spec.precision) for _ in range(2))
    return Compiled(spec, parameters, previous, seed=0, training=training, watch=recorder.watch)


def _inputs(spec: NetworkSpec, examples: int) -> Any:
    return np.zeros((examples, spec.layers[0].units), spec.precision)
