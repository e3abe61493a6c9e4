"""The neurons of one layer that a task has, compiled, at work: their arrays, and the values that operations name.

`own` arrays have the task's neurons for columns. `wide` ones have all of the layer's: the outputs, brought together,
and what the way back needs of all senders (see `ways`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler.execution.stage import Matrix, Stage
from ..compiler.operations.buffers import PER_NEURON, USUAL, Buffers, Sizes
from ..compiler.operations.operation import Kernel, Operation, Pass, Product
from ..spec import Block, Dense
from .share import Share

Arrays = dict[str, NDArray[Any]]


class LayerShare:
    """One layer's share.

    Args:
        stage: the layer.
        share: the task's.
        before: the part of the layer before; None for the inputs.
        flat: the task's parameters and previous changes.
        stored: what the task's neurons and synapses of the layer keep (see `states`).
    """

    def __init__(
        self,
        stage: Stage,
        share: Share,
        before: LayerShare | None,
        flat: tuple[Matrix, Matrix],
        stored: dict[str, Any],
    ) -> None:
        self.stage = stage
        self.before = before
        self.neurons = share.neurons[stage.index]
        self.block: Block | None = share.block_into(stage.index)
        parameters, previous = flat
        self.weights = None if self.block is None else self.block.matrix(parameters)
        self.previous = None if self.block is None else self.block.matrix(previous)
        self.stored = stored
        self.ids = stage.spec.ids[stage.index][self.neurons.start : self.neurons.stop]
        self.synapse_states = [it for it in share.states if it.layer == stage.index and it.of_synapses]
        per_neuron = {name for name, array in stage.code.arrays.items() if array.shape == PER_NEURON}
        self.names = named((*stage.code.forward, *stage.code.predict)) | USUAL.keys() | per_neuron
        self._buffers = self.buffers(self.names)
        self._outputs = self.buffers({"O"})
        self.arrays: Arrays = {}
        self.forward: dict[str, Any] = {}
        #: Outputs of all neurons of the layer, (b, 1 + u); column 0 is the bias sender's 1.
        self.outputs: Matrix = np.empty((0, 0), stage.spec.precision)
        self.normalized: Matrix = self.outputs

    def buffers(self, names: Iterable[str]) -> Buffers:
        """Memory for those of the layer's arrays that are among these names."""
        wanted = set(names)
        declared = {name: array for name, array in self.stage.code.arrays.items() if name in wanted}
        return Buffers(declared, self.stage.spec.precision)

    def sizes(self, examples: int, neurons: int, receivers: int = 1) -> Sizes:
        """The sizes of arrays over so many neurons and receivers."""
        return Sizes(examples, neurons, 1 if self.block is None else self.block.rows, receivers)

    def enter(self, examples: int) -> bool:
        """Make ready for batches of so many examples; the parts before must have entered. False: nothing changes."""
        if len(self.outputs) == examples and self.forward:
            return False
        stage, sizes = self.stage, self.sizes(examples, len(self.neurons))
        whole = self.sizes(examples, stage.layer.units)
        self.arrays = dict(self._buffers.arrays(sizes, sizes))
        self.outputs = self._outputs.arrays(whole, whole)["O"]
        self.forward = stage.constants | self.arrays | self.stored | {"ids": self.ids}
        if self.before is None:
            return True
        senders = self.before.outputs
        if isinstance(stage.layer.incoming, Dense):
            bias = stage.layer.incoming.bias
            self.forward |= stage.synapses(self.weights, stage.spec.ids[stage.index - 1], self.ids)
            self.forward |= {"X": senders if bias else senders[:, 1:], "W": self.weights, "bias": int(bias)}
        else:
            self.normalized = np.empty((examples, stage.layer.units), stage.spec.precision)
            self.forward |= {"X": senders[:, 1:]}
        return True


def named(operations: Iterable[Operation]) -> set[str]:
    """The names of the values that operations take."""
    found: set[str] = set()
    for operation in operations:
        match operation:
            case Kernel(arguments=arguments) | Pass(arguments=arguments):
                found.update(arguments)
            case Product(left=left, right=right, out=out):
                found.update((left, right, out))
    return found
