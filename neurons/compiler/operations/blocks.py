"""Kernels that do a part of their work when they are called, so that threads may share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .operation import Kernel, Values
from .threads import blocks, spread

#: Neurons of a block are a multiple of this. Measured at 128·512·784: blocks of 256 take 1.1 times as long as the
#: whole, of 128 1.5 times.
GRAIN = 64
#: Arithmetic from which on threads pay, about 0.2 ms; a function such as exp counts as ten operations.
LARGE = 20_000_000
FUNCTION = 10


@dataclass(frozen=True)
class LaneKernel(Kernel):
    """A kernel whose neurons are SIMD lanes, see `tiles`: it takes the range of neurons that it is to do.

    The range is not among the values. A large kernel runs in ``values["threads"]`` threads: a neuron's values are its
    own, so that their number does not change them.
    """

    def run(self, values: Values) -> None:
        def call(low: int, high: int) -> None:
            own: dict[str, Any] = {"low": low, "high": high}
            self.function(*[own[name] if name in own else values[name] for name in self.arguments])

        neurons = len(values["ids"])
        if values["threads"] == 1 or not self._large(values):
            call(0, neurons)
        else:
            spread(call, blocks(neurons, values["threads"], GRAIN))

    def _large(self, values: Values) -> bool:
        work = self.work(values)
        return work.flops + FUNCTION * work.functions >= LARGE
