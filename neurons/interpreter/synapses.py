"""The synapses between two layers, and what a batch's neurons push over them: matrices, a row for each sender.

An engine that runs a whole network has all senders and receivers of a connection in one matrix. Where a network is
divided, a task has all senders of its own neurons, and, for `backward`, all receivers of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spec import Block, StateBlock

Matrix = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Synapses:
    """Those between some neurons of a layer and some of the next.

    Args:
        bias: True where row 0 is the bias's.
        senders: indices of the senders, beside the bias.
        receivers: indices of the receivers.
        weights: shape (bias + senders, receivers).
        previous: the change that the last step made to each weight.
        states: what the synapses keep, by name; likewise.
    """

    bias: bool
    senders: range
    receivers: range
    weights: Matrix
    previous: Matrix
    states: Mapping[str, Matrix]

    @classmethod
    def within(
        cls, block: Block, states: Sequence[StateBlock], flat: tuple[Matrix, Matrix], receivers: range
    ) -> Synapses:
        """Those of a block, as views.

        Args:
            block: the connection.
            states: all that neurons and synapses keep.
            flat: parameters and previous changes.
            receivers: indices of the block's columns.
        """
        parameters, previous = flat
        kept = {it.name: it.matrix(parameters) for it in states_of(block, states)}
        senders = range(block.rows - int(block.bias))
        return cls(block.bias, senders, receivers, block.matrix(parameters), block.matrix(previous), kept)

    def row(self, sender: int) -> int:
        """The row of a sender; the bias has the index -1."""
        return 0 if sender < 0 else int(self.bias) + sender - self.senders.start


@dataclass(frozen=True, eq=False)
class PushedOver:
    """What the examples' neurons have pushed over synapses, and how they have changed what these keep.

    Args:
        sums: for each synapse the sum of what was pushed, in float64: an oracle rounds once.
        counts: the number of pushes.
        states: sums of the changes, by name.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    states: Mapping[str, NDArray[np.float64]]

    @classmethod
    def within(
        cls, block: Block, states: Sequence[StateBlock], sums: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> PushedOver:
        """That of a block, as views of flat arrays."""
        kept = {it.name: it.matrix(sums) for it in states_of(block, states)}
        return cls(block.matrix(sums), block.matrix(counts), kept)

    def add(self, row: int, updates: Mapping[int, float]) -> None:
        """Add what one sender pushed, by receiver."""
        for receiver, update in updates.items():
            self.sums[row, receiver] += update
            self.counts[row, receiver] += 1


def states_of(block: Block, states: Sequence[StateBlock]) -> list[StateBlock]:
    """Those of the synapses of a block, among all that a network keeps."""
    return [it for it in states if it.of_synapses and it.layer == block.layer - 1]
