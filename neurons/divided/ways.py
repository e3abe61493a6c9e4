"""How a layer's `backward` comes to what its receivers know, and what it pushes to the weights that they hold.

There are two ways before receivers with weights. Where all that `backward` reads of its messages are sums of products,
and all that it pushes are products, the weights stay where they are (`products`). Any other class gets, for a moment,
the weights of its own neurons' synapses (`rows`). What receivers that are no weighted sums derive from their `forward`,
they derive where their weights are, on either way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from ..compiler.emission.modules import LayerCode
from ..compiler.execution.draws import Draws
from ..compiler.execution.pushes import Pushes
from ..compiler.execution.sinks import Sink
from ..compiler.execution.through import Through
from ..compiler.operations.buffers import PER_SENDER
from ..compiler.operations.operation import Method
from ..spec import Block
from .layer import Arrays, LayerShare, named
from .meeting import Meeting


@dataclass(frozen=True)
class Tools:
    """What the ways of all layers share: the other tasks, and what forms pushes."""

    meeting: Meeting
    pushes: Pushes


class Way(ABC):
    """The way back of one layer's share, before receivers with weights.

    Args:
        part: the layer's share.
        receivers: that of the next layer.
        through: the receivers' part in `backward` where they are no weighted sums, or None.
        tools: what all ways share.
    """

    def __init__(self, part: LayerShare, receivers: LayerShare, through: Through | None, tools: Tools) -> None:
        assert receivers.block is not None
        self.part = part
        self.receivers = receivers
        self.through = through
        self.meeting, self.pushes = tools.meeting, tools.pushes
        self.block: Block = receivers.block
        code = part.stage.code
        #: The class's `backward`; nobody needs the delta of the inputs.
        self.whole_method = code.push if part.before is None else code.backward
        wide = self.wide_names | ({"G", "H", code.gradients or "O"} if through is not None else set())
        #: The factors that are needed of all senders, but for the outputs, which all tasks have.
        self.factors = sorted(name for name in wide if name != "O" and _of_senders(name, code))
        self.own_buffers = part.buffers(self.own_names - part.names)
        self.bias_buffers = part.buffers(named((*code.bias_forward, *code.bias_backward)))
        self.wide_buffers = part.buffers(wide - {"O"})
        self.wide: Arrays = {}
        self.values: dict[str, Any] = {}
        self.bias: dict[str, Any] = {}

    # What a way decides ------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def columns(self) -> int:
        """Number of the receivers whose messages the own kernels have at hand."""

    @property
    @abstractmethod
    def method(self) -> Method:
        """What runs on the own neurons, once `prepare` has been called."""

    @property
    @abstractmethod
    def own_names(self) -> set[str]:
        """What the own kernels name."""

    @property
    @abstractmethod
    def wide_names(self) -> set[str]:
        """What is named of all senders."""

    @abstractmethod
    def prepare(self, draws: Draws, changes: dict[str, Any]) -> list[str]:
        """Get what the own kernels read; returns the names of wide sums that are to be added up over the tasks.

        Args:
            draws: those of the batch.
            changes: where changes of states go.
        """

    @abstractmethod
    def push(self, draws: Draws, sink: Sink, update: Any) -> None:
        """Put what the class pushes into the sink.

        Args:
            draws: those of the batch.
            sink: takes it.
            update: the sink's matrix, to be added to, where the receivers have put their derivatives there; or None.
        """

    # What both do ------------------------------------------------------------------------------------------------

    def enter(self, examples: int) -> None:
        """Make ready for batches of so many examples, once the parts have."""
        part, stage = self.part, self.part.stage
        own = part.sizes(examples, len(part.neurons), self.columns)
        wide = part.sizes(examples, stage.layer.units, self.block.columns)
        self.wide = {**self.wide_buffers.arrays(wide, wide), "O": part.outputs}
        arrays = {**self.own_buffers.arrays(own, own), **part.arrays}
        self.values = stage.constants | arrays | part.stored | {"ids": part.ids}
        self.bias = {}
        if stage.runs_bias:
            alone = part.sizes(examples, 1, self.columns)
            self.bias = stage.of_bias(arrays, self.bias_buffers.arrays(alone, alone))

    def backward(self, draws: Draws, sink: Sink, changes: dict[str, Any]) -> None:
        """From the receivers' deltas to the own ones, and what is pushed.

        Args:
            draws: those of the batch.
            sink: takes the push.
            changes: where changes of states go.
        """
        stage, receiving = self.part.stage, self.receivers.stage
        self.values |= draws.at(stage.rate_factor)
        given: dict[str, Any] = {}
        if self.through is not None:
            given = self._given_to_receivers(draws) | {"U": self.pushes.zeroed(self.block, sink)}
            receiving.run(self.through.before, given)
        sums = self.prepare(draws, changes)
        self._add_up([*sums, *(("G", "H") if self._derivatives_summed else ())])
        stage.run(self.method, self.values)
        if stage.runs_bias and stage.code.bias_backward:
            stage.run(stage.code.bias_backward, self.values | self.bias)
        self._gather_factors()
        if self.through is not None:
            receiving.run(self.through.after, given)
        self.push(draws, sink, given.get("U"))

    @property
    def _derivatives_summed(self) -> bool:
        code = self.part.stage.code
        return self.through is not None and (code.push_sums if self.part.before is None else code.backward_sums)

    def _given_to_receivers(self, draws: Draws) -> dict[str, Any]:
        """What kernels of receivers that are no weighted sums take; they give G, H and U of all senders."""
        stage = self.part.stage
        factors = self.wide[stage.code.gradients or "O"]
        rate = stage.spec.precision(stage.coefficients(draws.rates).scale * draws.share)
        return self.receivers.forward | {
            "D": self.receivers.arrays["B"],
            "G": self.wide["G"],
            "H": self.wide["H"],
            "A": factors if self.block.bias else factors[:, 1:],
            "rate": rate,
        }

    def _add_up(self, names: list[str]) -> None:
        """Add up wide sums over the tasks, into the arrays that the own kernels read."""
        if not names:
            return
        declared = self.part.stage.code.arrays
        spread = [name for name in names if declared[name].shape[-1] == "neurons"]
        common = [name for name in names if name not in spread]
        units = self.part.stage.layer.units
        totals = self.meeting.add_up(
            self.part.stage.index,
            [self.wide[name].reshape(-1, units) for name in spread],
            [self.wide[name] for name in common],
        )
        for name, total in zip((*spread, *common), totals, strict=True):
            own = self.values[name]
            own[...] = total.reshape(own.shape)

    def _gather_factors(self) -> None:
        """Bring together the factors of all senders; those of the bias sender every task has made itself."""
        if not self.factors:
            return
        own = [self.values[name] for name in self.factors]
        wide = [self.wide[name] for name in self.factors]
        self.meeting.gather(self.part.stage.index, [it[:, 1:] for it in own], [it[:, 1:] for it in wide])
        for array, factors in zip(wide, own, strict=True):
            array[:, 0] = factors[:, 0]


def _of_senders(name: str, code: LayerCode) -> bool:
    return name in code.arrays and code.arrays[name].shape == PER_SENDER
