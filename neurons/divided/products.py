"""The way back where weights stay where they are: a class whose `backward` reads sums and pushes products.

Each task forms its receivers' part of every sender's sums: deltas · weightsᵀ, and whatever else is a product. Added up
over the tasks, they go to the senders' tasks. The factors of the push come back, where they are not the outputs that
all tasks have; factorsᵀ · deltas is formed where the weights are. Two exchanges, or one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..compiler.emission.sums import SIDES
from ..compiler.execution.draws import Draws
from ..compiler.execution.sinks import Sink
from ..compiler.execution.through import Through
from ..compiler.operations.operation import Kernel, Method, Pass, Product
from .layer import LayerShare, named
from .ways import Tools, Way

#: What a message by itself is found in; see `signatures`.
_MESSAGES = frozenset({"D", "W", "P", "U", "WT", "PT", "UT"})


def reads_sums_only(part: LayerShare) -> bool:
    """True where no kernel of a layer's `backward` looks at messages one by one."""
    code = part.stage.code
    method = code.push if part.before is None else code.backward
    of_bias = code.bias_backward if part.stage.runs_bias else ()
    kernels = [it for it in (*method, *of_bias) if isinstance(it, Kernel)]
    return not named(kernels) & _MESSAGES


class Products(Way):
    """See the module; the arguments are those of every way."""

    def __init__(self, part: LayerShare, receivers: LayerShare, through: Through | None, tools: Tools) -> None:
        super().__init__(part, receivers, through, tools)
        formed = {it.out for it in self.sums if isinstance(it, Product)}
        formed |= {name for it in self.sums if isinstance(it, Pass) for name in it.written}
        #: The sums, beside the maps that they are products of.
        self.totals = sorted(name for name in formed if name.startswith(SIDES["backward"].sums))
        self.spread: dict[str, Any] = {}

    @property
    def columns(self) -> int:
        return self.block.columns

    @cached_property
    def sums(self) -> Method:
        """What forms the sums over the receivers, of all senders."""
        return tuple(it for it in self.whole_method if not isinstance(it, Kernel))

    @cached_property
    def method(self) -> Method:
        return tuple(it for it in self.whole_method if isinstance(it, Kernel))

    @property
    def own_names(self) -> set[str]:
        return named((*self.method, *self.part.stage.code.bias_backward))

    @property
    def wide_names(self) -> set[str]:
        code = self.part.stage.code
        terms = {name for term in code.terms for name in (term.factors, term.left, term.out)}
        return named((*self.sums, *code.update)) | terms

    def enter(self, examples: int) -> None:
        super().enter(examples)
        stage, receivers = self.part.stage, self.receivers
        assert receivers.weights is not None
        self.spread = stage.constants | self.wide
        self.spread |= {
            "ids": stage.spec.ids[stage.index],
            "D": receivers.arrays["B"],
            "W": receivers.weights,
            "weights": receivers.weights[int(self.block.bias) :],
            "P": receivers.previous,
            "foremost": receivers.neurons.start,
        }

    def prepare(self, draws: Draws, changes: dict[str, Any]) -> list[str]:
        self.spread |= draws.at(self.part.stage.rate_factor)
        self.part.stage.run(self.sums, self.spread)
        return self.totals

    def push(self, draws: Draws, sink: Sink, update: Any) -> None:
        self.spread["U"] = update
        self.pushes.push(self.part.stage, self.spread, self.block, draws, sink, added=update is not None)
