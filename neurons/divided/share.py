"""Which task holds what of a network, and where it lies in the task's flat array.

A task holds the columns of its own neurons of every connection's matrix: all senders, own receivers. The states of
neurons go with the neurons, those of synapses with the weights. Blocks stand in the order of the whole flat array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..spec import Block, Matrix, NetworkSpec, Number, StateBlock


def owned(units: int, task: int, tasks: int) -> range:
    """The neurons of a layer that one of the tasks has.

    Args:
        units: number of the layer's neurons.
        task: index of the task.
        tasks: number of tasks.
    """
    return range(units * task // tasks, units * (task + 1) // tasks)


@dataclass(frozen=True)
class Share:
    """What one task holds of a network; see `divide`.

    Args:
        spec: the whole network.
        index: which of the tasks.
        tasks: how many there are.
    """

    spec: NetworkSpec
    index: int
    tasks: int

    @cached_property
    def neurons(self) -> tuple[range, ...]:
        """For each layer the task's neurons."""
        return tuple(owned(layer.units, self.index, self.tasks) for layer in self.spec.layers)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The weights into the task's neurons, within its own flat array: a row for each sender, the bias included."""
        found: list[Block] = []
        offset = 0
        for block in self.spec.blocks:
            found.append(replace(block, offset=offset, columns=len(self.neurons[block.layer])))
            offset = found[-1].stop
        return tuple(found)

    @cached_property
    def states(self) -> tuple[StateBlock, ...]:
        """What the task's neurons, and the synapses into them, keep; behind the weights."""
        found: list[StateBlock] = []
        offset = self.parameter_count
        for state in self.spec.states:
            found.append(replace(state, offset=offset, columns=len(self._columns(state))))
            offset = found[-1].stop
        return tuple(found)

    @cached_property
    def parameter_count(self) -> int:
        """Number of the task's weights and biases."""
        return self.blocks[-1].stop if self.blocks else 0

    @cached_property
    def size(self) -> int:
        """Length of the task's flat array."""
        return self.states[-1].stop if self.states else self.parameter_count

    def block_into(self, layer: int) -> Block | None:
        """The block of the connection into `layer`, None where it has no weights."""
        return next((block for block in self.blocks if block.layer == layer), None)

    def matrices(self, flat: NDArray[Number]) -> dict[Matrix, NDArray[Number]]:
        """The matrices in the task's flat array, as views: as `NetworkSpec.matrices`."""
        return {matrix: matrix.matrix(flat) for matrix in (*self.blocks, *self.states)}

    def take(self, whole: NDArray[Number]) -> NDArray[Number]:
        """The task's part of a flat array of the whole network, as a new array of length `size`.

        Raises:
            ValueError: an array of another length than the network's.
        """
        self._check(whole, self.spec.size, "the network's")
        own = np.empty(self.size, whole.dtype)
        for there, here, columns in self._matrices():
            here.matrix(own)[...] = there.matrix(whole)[:, columns]
        return own

    def put(self, own: NDArray[Number], whole: NDArray[Number]) -> None:
        """Write the task's flat array into its places of one of the whole network.

        Raises:
            ValueError: an array of another length than the task's, or the network's.
        """
        self._check(own, self.size, f"task {self.index}'s")
        self._check(whole, self.spec.size, "the network's")
        for there, here, columns in self._matrices():
            there.matrix(whole)[:, columns] = here.matrix(own)

    def _matrices(self) -> Iterator[tuple[Matrix, Matrix, slice]]:
        """The matrices of the whole network, those of the task, and the columns that it has of them."""
        whole = (*self.spec.blocks, *self.spec.states)
        for there, here in zip(whole, (*self.blocks, *self.states), strict=True):
            columns = self._columns(there)
            yield there, here, slice(columns.start, columns.stop)

    def _columns(self, matrix: Matrix) -> range:
        of_synapses = isinstance(matrix, StateBlock) and matrix.of_synapses
        return self.neurons[matrix.layer + 1 if of_synapses else matrix.layer]

    def _check(self, array: NDArray[Number], size: int, whose: str) -> None:
        if array.shape != (size,):
            raise ValueError(f"{whose} flat array has the shape ({size},), got {array.shape}")


def divide(spec: NetworkSpec, tasks: int) -> tuple[Share, ...]:
    """Divide a network: the neurons of every layer among so many tasks, contiguously and evenly.

    Args:
        spec: the network.
        tasks: how many.

    Returns:
        What each task holds, by its index.

    Raises:
        ValueError: no tasks, or a layer with fewer neurons than tasks.
    """
    if tasks < 1:
        raise ValueError(f"a network is divided among one task or more, got tasks={tasks}")
    for index, layer in enumerate(spec.layers):
        if layer.units < tasks:
            raise ValueError(
                f"layer {index} ({layer.neuron.__name__}) has {layer.units} neurons, too few for tasks={tasks}: every "
                f"task needs one of each layer; divide the network among at most {min(it.units for it in spec.layers)}"
            )
    return tuple(Share(spec, index, tasks) for index in range(tasks))
