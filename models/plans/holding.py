"""What a peer holds of a network: all of it, or a task's share; and how that becomes an engine's arrays, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from horn.neurons import (
    Block,
    Engine,
    Exchange,
    NetworkSpec,
    Share,
    divide,
    divided_engine_named,
    engine_named,
)

Array = NDArray[np.floating]


class Layout(Protocol):
    """Where parameters lie in a flat array: the network's, or a task's."""

    @property
    def blocks(self) -> Sequence[Block]: ...
    @property
    def parameter_count(self) -> int: ...
    @property
    def size(self) -> int: ...


class Holding(ABC):
    """A part of a network's flat arrays.

    Args:
        spec: the network, as engines see it.
        engine: name of the engine that runs its neurons.
        seed: of the random draws.

    Attributes:
        layout: where its parameters lie in its own flat array.
    """

    layout: Layout

    def __init__(self, spec: NetworkSpec, engine: str, seed: int) -> None:
        self.spec = spec
        self._engine_name, self._seed = engine, seed

    @abstractmethod
    def take(self, whole: Array) -> Array:
        """A copy of its part of the network's flat array."""

    @abstractmethod
    def put(self, own: Array, whole: Array) -> None:
        """Write its part back into the network's flat array."""

    @abstractmethod
    def engine(self, parameters: Array, previous: Array, exchange: Exchange) -> Engine:
        """What runs it.

        Args:
            parameters: its flat array, changed in place.
            previous: the same, of the last changes.
            exchange: carries data between the tasks.
        """

    def take_slot(self, whole: Array) -> Array:
        """As `take`, of what an optimizer keeps for each parameter."""
        return self.take(self._padded(whole))[: self.layout.parameter_count]

    def put_slot(self, own: Array, whole: Array) -> None:
        """As `put`, of what an optimizer keeps for each parameter."""
        padded, mine = self._padded(whole), np.zeros(self.layout.size, own.dtype)
        mine[: self.layout.parameter_count] = own
        self.put(mine, padded)
        whole[:] = padded[: len(whole)]

    def _padded(self, whole: Array) -> Array:
        """An array of the network's flat length, the states behind the parameters 0."""
        padded = np.zeros(self.spec.size, whole.dtype)
        padded[: len(whole)] = whole
        return padded


class WholeNetwork(Holding):
    """All of a network."""

    def __init__(self, spec: NetworkSpec, engine: str, seed: int) -> None:
        super().__init__(spec, engine, seed)
        self.layout = spec

    def take(self, whole: Array) -> Array:
        return whole.copy()

    def put(self, own: Array, whole: Array) -> None:
        np.copyto(whole, own)

    def engine(self, parameters: Array, previous: Array, exchange: Exchange) -> Engine:
        return engine_named(self._engine_name)(self.spec, parameters, previous, seed=self._seed)


class TaskShare(Holding):
    """The share of one task.

    Args:
        share: what it holds.
    """

    def __init__(self, spec: NetworkSpec, engine: str, seed: int, share: Share) -> None:
        super().__init__(spec, engine, seed)
        self.layout = self._share = share

    def take(self, whole: Array) -> Array:
        return self._share.take(whole)

    def put(self, own: Array, whole: Array) -> None:
        self._share.put(own, whole)

    def engine(self, parameters: Array, previous: Array, exchange: Exchange) -> Engine:
        return divided_engine_named(self._engine_name)(self._share, exchange, parameters, previous, seed=self._seed)


def holding(spec: NetworkSpec, engine: str, seed: int, task: int, tasks: int) -> Holding:
    """What a peer holds that is one of so many tasks."""
    if tasks == 1:
        return WholeNetwork(spec, engine, seed)
    return TaskShare(spec, engine, seed, divide(spec, tasks)[task])
