"""The step of a range of the flat array, from a D that has been collected, and perhaps exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...engine import Rates
from ...spec import Block, StateBlock
from .passes import Passes
from .sinks import add_update, parts

Flat = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Applying:
    """Makes steps in flat arrays; see `Engine`.

    Args:
        passes: the network's operations.
        blocks: where the weights lie.
        states: where states lie.
        parameters: flat array of them.
        previous: the change that the last step made to each.
    """

    passes: Passes
    blocks: Sequence[Block]
    states: Sequence[StateBlock]
    parameters: Flat
    previous: Flat

    def apply(self, update: Flat, rates: Rates, start: int, stop: int) -> None:
        """See `Engine.apply`."""
        for block, low, high in self._changing(start, stop):
            coefficients = self.passes.stages[block.layer - 1].coefficients(rates)
            part = update[low - start : high - start]
            carry = self.passes.weights[block.layer].carry
            add_update(carry, part, self.previous, self.parameters, block, low, high, coefficients)
        for state in self.states:
            low, high = max(state.offset, start), min(state.stop, stop)
            if low < high:
                self.previous[low:high] = update[low - start : high - start]
                values = {"parameters": self.parameters[low:high], "previous": self.previous[low:high]}
                self.passes.states.operations[state.layer].add.run(values)

    def complete(self, update: Flat, rates: Rates, start: int, stop: int) -> None:
        """See `Engine.complete`."""
        for block, low, high in self._changing(start, stop):
            coefficients = self.passes.stages[block.layer - 1].coefficients(rates)
            for part, gamma in parts(block, low, high, coefficients):
                if coefficients.beta or gamma:
                    values = {"previous": self.previous[part], "parameters": self.parameters[part]}
                    values |= {"update": update[part.start - start : part.stop - start]}
                    self.passes.weights[block.layer].complete.run(values | {"beta": coefficients.beta, "gamma": gamma})

    def _changing(self, start: int, stop: int) -> Iterator[tuple[Block, int, int]]:
        """The blocks that steps change within [start, stop) of the flat array, each with its stretch of that."""
        for block in self.blocks:
            low, high = max(block.offset, start), min(block.stop, stop)
            if low < high and not block.frozen:
                yield block, low, high
