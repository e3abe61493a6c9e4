"""Kernels that do a part of their work when they are called, so that threads may share it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from .operation import Kernel, Values
from .threads import blocks, spread

#: Lengths of blocks are multiples of this. Measured at 128·512·784: blocks of 256 take 1.1 times as long as the
#: whole, of 128 1.5 times.
GRAIN = 64
#: Arithmetic from which on threads pay, about 0.2 ms; a function such as exp counts as ten operations.
LARGE = 20_000_000
FUNCTION = 10


@dataclass(frozen=True)
class DivisibleKernel(Kernel):
    """A kernel that takes the range that it is to do, ``low`` and ``high``, which are not among the values.

    A large one runs in ``values["threads"]`` threads. What it computes for one place of the range belongs to that place
    alone, so that their number does not change it.
    """

    @abstractmethod
    def whole(self, values: Values) -> int:
        """The end of the range that begins at 0."""

    def run(self, values: Values) -> None:
        def call(low: int, high: int) -> None:
            own: dict[str, Any] = {"low": low, "high": high}
            self.function(*[own[name] if name in own else values[name] for name in self.arguments])

        if values["threads"] == 1 or not self._large(values):
            call(0, self.whole(values))
        else:
            spread(call, blocks(self.whole(values), values["threads"], GRAIN))

    def _large(self, values: Values) -> bool:
        work = self.work(values)
        return work.flops + FUNCTION * work.functions >= LARGE


@dataclass(frozen=True)
class LaneKernel(DivisibleKernel):
    """One whose neurons are SIMD lanes, see `tiles`: a range of neurons."""

    def whole(self, values: Values) -> int:
        return len(values["ids"])


@dataclass(frozen=True)
class MessageKernel(DivisibleKernel):
    """One that gives each message its derivatives, see `sweeping`: a range of messages."""

    def whole(self, values: Values) -> int:
        return int(values["X"].shape[1])
