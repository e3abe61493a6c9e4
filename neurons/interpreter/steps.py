"""What an interpreter does beside running neurons: from pushes to D, from D to the step, from outputs to the score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine import Batch, Rates, Score
from ..scoring import count_correct
from ..spec import Block, NetworkSpec, StateBlock
from .blame import blaming
from .example import Network
from .split import push_split

Flat = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Parameters:
    """Weights and states in flat arrays, and where they lie there.

    Args:
        spec: the network.
        blocks: where weights are.
        states: where states are.
        values: flat array of them.
        previous: the change that the last step made to each.
    """

    spec: NetworkSpec
    blocks: Sequence[Block]
    states: Sequence[StateBlock]
    values: Flat
    previous: Flat

    def average(
        self, sums: NDArray[np.float64], counts: NDArray[np.int64], total: int, rates: Rates, out: Flat
    ) -> None:
        """D: what was pushed without the part L of every push, and states' changes, over the job's batch.

        Args:
            sums: of pushes and changes, flat.
            counts: numbers of pushes, flat.
            total: examples in the job's batch.
            rates: those of the step.
            out: flat, written.
        """
        for block in self.blocks:
            part = slice(block.offset, block.stop)
            if block.frozen:
                out[part] = 0.0
                continue
            beta, gamma = self._split(block, rates)
            common = beta * self.previous[part].astype(np.float64) + gamma * self.values[part].astype(np.float64)
            out[part] = (sums[part] - counts[part] * common) / total
        for state in self.states:
            part = slice(state.offset, state.stop)
            out[part] = sums[part] / (total if state.reduce == "mean" else 1)

    def apply(self, update: Flat, rates: Rates, start: int, stop: int) -> None:
        """Make the step of a range; see `Engine.apply`."""
        for part, beta, gamma in self._carried(rates, start, stop):
            change = update[part.start - start : part.stop - start] + beta * self.previous[part]
            self.previous[part] = change + gamma * self.values[part]
            self.values[part] += self.previous[part]
        for state in self.states:
            part = slice(max(state.offset, start), min(state.stop, stop))
            if part.start < part.stop:
                self.previous[part] = update[part.start - start : part.stop - start]
                self.values[part] += self.previous[part]

    def complete(self, update: Flat, rates: Rates, start: int, stop: int) -> None:
        """Add the part L of the pushes to the D of a range; see `Engine.complete`."""
        for part, beta, gamma in self._carried(rates, start, stop):
            update[part.start - start : part.stop - start] += beta * self.previous[part] + gamma * self.values[part]

    def _carried(self, rates: Rates, start: int, stop: int) -> Iterator[tuple[slice, float, float]]:
        """The stretches of [start, stop) that steps change, biases and weights apart, each with its β and γ."""
        for block in self.blocks:
            if block.frozen:
                continue
            beta, gamma = self._split(block, rates)
            decay = gamma - rates.times(block.rate_factor).learning_rate * self.spec.regularization
            stretches = (block.offset, block.first_weight, gamma), (block.first_weight, block.stop, decay)
            for begin, end, factor in stretches:
                part = slice(max(begin, start), min(end, stop))
                if part.start < part.stop:
                    yield part, beta, factor

    def _split(self, block: Block, rates: Rates) -> tuple[float, float]:
        """β and γ of what is pushed over the block's connection."""
        index = block.layer - 1
        return push_split(self.spec.layers[index], index, rates.times(block.rate_factor), self.spec.precision)


def set_rates(network: Network, rates: Rates, *, training: bool) -> None:
    """Tell all neurons the numbers of a step."""
    for index, neuron in enumerate(network.classes):
        block = network.spec.block_into(index + 1)
        own = rates if block is None else rates.times(block.rate_factor)
        neuron.learning_rate = network.numbers.real(own.learning_rate)
        neuron.momentum = network.numbers.real(rates.momentum)
        neuron.iteration = rates.step
        neuron.training = training


def counting(batch: Batch) -> NDArray[np.float32]:
    """What the cost of each example of a batch counts, shape (examples,)."""
    return np.ones(len(batch.inputs), np.float32) if batch.weights is None else batch.weights


def score_of(network: Network, outputs: Flat, targets: Flat, weights: NDArray[np.float32] | None = None) -> Score:
    """Loss and accuracy of outputs.

    Args:
        network: the network.
        outputs: shape (examples, units).
        targets: the same shape.
        weights: what each example's cost counts, shape (examples,); None: 1.
    """
    numbers, cost = network.numbers, network.cost
    name, loss = f"{type(cost).__name__}.apply", 0.0
    counts = np.ones_like(outputs) if weights is None else np.broadcast_to(weights[:, None], outputs.shape)
    with np.errstate(all="ignore"), blaming(name):
        for output, target, count in zip(outputs.flat, targets.flat, counts.flat, strict=True):
            own = float(numbers.number(cost.apply(numbers.real(output), numbers.real(target)), name))
            loss += own if weights is None else float(count) * own
    return Score(loss, count_correct(outputs, targets), len(outputs))


def checked(spec: NetworkSpec, inputs: Flat) -> Flat:
    """The inputs in the network's precision.

    Raises:
        ValueError: another shape than (examples, features).
    """
    width = spec.layers[0].units
    if inputs.ndim != 2 or inputs.shape[1] != width:
        raise ValueError(f"inputs must have the shape (examples, {width}), got {inputs.shape}")
    return inputs.astype(spec.precision, copy=False)
