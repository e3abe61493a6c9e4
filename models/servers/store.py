"""A server's shard of the parameters."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Rates


class Applies(Protocol):
    """What makes a step of an update; see `Updater.apply`."""

    def apply(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int, share: float) -> None: ...


class Store:
    """What a strategy's `serve` works on.

    Args:
        parameters: all parameters, flat; of which this server holds ``[start, stop)``.
        updater: makes the steps.
        start: where the shard begins.
        stop: where it ends.
        sources: how many workers push.

    Attributes:
        sources: how many workers push.
        rates: step, learning rate and momentum of the push that is being served, as its worker saw them.
        share: of a batch of the job that this push stands for.
        steps: how many were made here.
    """

    def __init__(self, parameters: NDArray[np.floating], updater: Applies, start: int, stop: int, sources: int) -> None:
        self._params = parameters[start:stop]
        self.sources = sources
        self.rates = Rates(0, 0.0, 0.0)
        self.share = 1.0
        self.steps = 0
        self._updater = updater
        self._range = start, stop

    @property
    def params(self) -> NDArray[np.floating]:
        """The shard of the parameters, flat; what is assigned is copied in.

        Workers of strategies that are not synchronous read it at any time: write each number once.
        """
        return self._params

    @params.setter
    def params(self, values: NDArray[np.floating]) -> None:
        if values is not self._params:  # which `store.params += update` assigns
            np.copyto(self._params, values)

    def apply(self, update: NDArray[np.floating], share: float = 1.0) -> None:
        """Make a step: momentum and decay, or the optimizer, act here and on no worker.

        Args:
            update: D of the shard, shape of `params`.
            share: of a batch of the job that it stands for: with that share of a step's decay, a batch that comes in
                parts decays the parameters once.

        Raises:
            ValueError: of another shape.
        """
        if np.shape(update) != self.params.shape:
            raise ValueError(
                f"store.apply takes an update of the shard, shape {self.params.shape}: got shape {np.shape(update)}"
            )
        self.steps += 1
        self._updater.apply(np.ascontiguousarray(update, self.params.dtype), self.rates, *self._range, share)
