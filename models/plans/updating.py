"""What becomes of an update: the neurons' own step, or an optimizer's.

Without an optimizer, what neurons push is the change, momentum and decay included. With one, they see learning rate 1
and momentum 0, so that what they push is the plain descent direction, and the optimizer makes the step of it. Whoever
applies updates, to all of the parameters or to a shard of them, owns an `Updater`, and with it the optimizer's slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Block, Engine, NetworkSpec, Rates

from ..optimizers import Minimizer, Optimizer, Stretch
from ..optimizers.clipping import clip_norm, clip_values
from .holding import Layout


def seen_rates(optimizer: Optimizer | Minimizer | None, rates: Rates) -> Rates:
    """The rates that neurons see: those of the step, or with an optimizer those of plain descent."""
    return rates if optimizer is None else Rates(rates.step, 1.0, 0.0)


def seen_spec(optimizer: Optimizer | Minimizer | None, spec: NetworkSpec) -> NetworkSpec:
    """The network whose neurons an engine runs: with an optimizer, the layers' factors of the rate are left to it."""
    if optimizer is None or all(layer.rate_factor in (0.0, 1.0) for layer in spec.layers):
        return spec
    layers = (replace(layer, rate_factor=1.0 if layer.rate_factor else 0.0) for layer in spec.layers)
    return replace(spec, layers=tuple(layers))


def alone(value: float) -> float:
    """A sum over all who hold shards, where one holds everything."""
    return value


class Updater:
    """Applies updates to a range of a network's parameters.

    Args:
        spec: the network, with the layers' factors of the learning rate.
        layout: where the parameters lie, of all of it or of a share.
        engine: runs `seen_spec` of the network, on the parameters and previous changes that are to be changed.
        optimizer: makes the steps; None: what neurons push is the change.
        slots: what the optimizer keeps, by name, arrays of ``spec.parameter_count``.
        began: the step at which the optimizer began.
        total: sums a number over all who hold other shards of the same parameters; they all call it in every step in
            which the optimizer bounds the direction's norm.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        layout: Layout,
        engine: Engine,
        optimizer: Optimizer | None,
        slots: Mapping[str, NDArray[np.float32]],
        began: int = 0,
        total: Callable[[float], float] = alone,
    ) -> None:
        self.layout, self.engine, self.optimizer = layout, engine, optimizer
        # the blocks of a layout may have the factors that the engine sees
        self.factors = [layer.rate_factor for layer in spec.layers]
        self.slots = [slots[name] for name in optimizer.slots] if optimizer is not None else []
        self.began, self.total = began, total

    def apply(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int, share: float = 1.0) -> None:
        """Make the step of ``parameters[start:stop]``; their change is left in ``previous``.

        Args:
            update: D of that range, shape (stop - start,); with an optimizer it is overwritten.
            rates: those of the step.
            start: where the range begins within the flat array; it need not respect layers.
            stop: where it ends.
            share: of a batch of the job that the update stands for: that share of a step's decay goes with it.
        """
        if self.optimizer is None:
            self.engine.apply(update, rates.times(share), start, stop)
            return
        plain = seen_rates(self.optimizer, rates)
        self.engine.complete(update, plain.times(share), start, stop)
        self._optimize(self.optimizer, update, rates, start, stop)
        kept = max(start, self.layout.parameter_count)
        if kept < stop:  # what neurons keep from batch to batch is theirs to change
            self.engine.apply(update[kept - start :], plain, kept, stop)

    def _optimize(self, optimizer: Optimizer, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        places = list(self._stretches(start, stop))
        parts = [update[low - start : high - start] for _, low, high in places]
        if optimizer.clip_value is not None:
            clip_values(parts, optimizer.clip_value)
        if optimizer.clip_norm is not None:
            clip_norm(parts, optimizer.clip_norm, self.total)
        number = rates.step - self.began + 1
        for part, (block, low, high) in zip(parts, places, strict=True):
            optimizer.step(
                Stretch(
                    part,
                    self.engine.previous[low:high],
                    self.engine.parameters[low:high],
                    tuple(slot[low:high] for slot in self.slots),
                    rates.times(self.factors[block.layer]).learning_rate,
                    number,
                    bias=low < block.first_weight,
                )
            )

    def _stretches(self, start: int, stop: int) -> Iterator[tuple[Block, int, int]]:
        """The biases and the weights of each block that is not frozen, as far as they lie in [start, stop)."""
        for block in self.layout.blocks:
            for begin, end in ((block.offset, block.first_weight), (block.first_weight, block.stop)):
                low, high = max(begin, start), min(end, stop)
                if low < high and not block.frozen:
                    yield block, low, high
