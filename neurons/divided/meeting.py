"""From the tasks that have something to those that need it: outputs, sums over receivers, weights for their senders.

Each method is one exchange. Its cost is stated in numbers per task, for b examples, u units of the layer, T tasks.
Sums are taken in the order of the tasks: all of them get the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import NetworkSpec
from .exchange import Exchange
from .share import Share, owned

Array = NDArray[Any]


class Meeting:
    """The tasks of a division, as one of them meets the others.

    Args:
        share: the task's.
        exchange: carries the data.

    Raises:
        ValueError: the exchange is another task's, or among another number of tasks.
    """

    def __init__(self, share: Share, exchange: Exchange) -> None:
        if (exchange.index, exchange.num_peers) != (share.index, share.tasks):
            raise ValueError(
                f"the share is that of task {share.index} of {share.tasks}, the exchange that of task "
                f"{exchange.index} of {exchange.num_peers}: give both of one task"
            )
        self._exchange = exchange
        self._index = share.index
        self._neurons = [_columns(share.spec, layer, share.tasks) for layer in range(len(share.spec.layers))]

    def own(self, layer: int) -> slice:
        """The columns of a layer that are the task's."""
        return self._neurons[layer][self._index]

    def gather(self, layer: int, own: Sequence[Array], whole: Sequence[Array]) -> None:
        """Bring together what all tasks have of a layer's columns, of several arrays at once.

        Args:
            layer: index of the layer.
            own: k arrays (b, own units), of one type.
            whole: as many, (b, u), written.

        Cost: k·b·u/T given to each.
        """
        given = np.ascontiguousarray(own[0] if len(own) == 1 else np.concatenate(own, axis=1))
        for columns, piece in zip(self._neurons[layer], self._exchange.allgather(given), strict=True):
            for target, part in zip(whole, np.split(piece, len(own), axis=1), strict=True):
                target[:, columns] = part

    def add_up(self, layer: int, spread: Sequence[Array], common: Sequence[Array]) -> list[Array]:
        """Add up over the tasks what each has of sums: a column goes to its neuron's task, common ones to all.

        Args:
            layer: index of the layer.
            spread: arrays of shape (k, u), k of each its own.
            common: arrays of any shape.

        Returns:
            The totals, flat, in order.

        Cost: k·u/T given to each.
        """
        pieces = [[array[:, columns] for array in spread] + list(common) for columns in self._neurons[layer]]
        received = self._exchange.alltoall([_joined(arrays) for arrays in pieces])
        total = received[0] if len(received) == 1 else received[0] + received[1]
        for other in received[2:]:
            total += other
        ends = np.cumsum([array.size for array in pieces[self._index]])
        return [np.asarray(part) for part in np.split(total, ends[:-1])]

    def to_senders(self, layer: int, matrices: Sequence[Array], bias: bool) -> Array:
        """Bring together, for the task's own senders, all columns of matrices that lie with the receivers' tasks.

        Args:
            layer: index of the receiving layer.
            matrices: k of them, (bias + senders, own receivers), of one type.
            bias: True where row 0 is the bias's, which all tasks get.

        Returns:
            (k, bias + own senders, receivers).

        Cost: k·senders·receivers/T² given to each.
        """
        first = int(bias)
        parts = [
            np.stack([np.concatenate((it[:first], it[first:][rows])) for it in matrices])
            for rows in self._neurons[layer - 1]
        ]
        received = self._exchange.alltoall(parts)
        whole = np.empty((*received[0].shape[:2], self._neurons[layer][-1].stop), received[0].dtype)
        for columns, piece in zip(self._neurons[layer], received, strict=True):
            whole[:, :, columns] = piece
        return whole

    def to_receivers(self, layer: int, matrices: Array, bias: bool) -> Array:
        """The way back of `to_senders`. All tasks have the same in the bias's row, of which each keeps its own.

        Args:
            layer: index of the receiving layer.
            matrices: (k, bias + own senders, receivers).
            bias: True where row 0 is the bias's.

        Returns:
            (k, bias + senders, own receivers).

        Cost: k·senders·receivers/T² given to each.
        """
        first, own = int(bias), self.own(layer)
        received = self._exchange.alltoall(
            [np.ascontiguousarray(matrices[:, first:, columns]) for columns in self._neurons[layer]]
        )
        rows = first + self._neurons[layer - 1][-1].stop
        whole = np.empty((len(matrices), rows, own.stop - own.start), matrices.dtype)
        whole[:, :first] = matrices[:, :first, own]
        for senders, piece in zip(self._neurons[layer - 1], received, strict=True):
            whole[:, first:][:, senders] = piece
        return whole


def _columns(spec: NetworkSpec, layer: int, tasks: int) -> list[slice]:
    """The columns of a layer that each task has."""
    ranges = [owned(spec.layers[layer].units, task, tasks) for task in range(tasks)]
    return [slice(it.start, it.stop) for it in ranges]


def _joined(arrays: Sequence[Array]) -> Array:
    if len(arrays) == 1:
        return np.ascontiguousarray(arrays[0]).ravel()
    return np.concatenate([array.ravel() for array in arrays])
