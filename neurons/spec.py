"""A network as the engines see it: a chain of layers, and where each weight lies in one flat array.

Every connection's parameters are one block of the flat array, a matrix with a row for each sender and a column for
each receiver; where the connection has a bias, row 0 is the bias, a sender whose output is always 1. So a sum over
incoming messages is one matrix product, bias included, and a push one product of its transpose.

What neurons keep from batch to batch (see `state`) lies behind the weights, a block for each state of each layer. To
whoever exchanges, averages or stores parameters, a state is one whose push is its change, at once and in full.

Activations, deltas and what neurons keep are arrays of shape (examples, 1 + units), whose column 0 belongs to the
layer's bias sender. Column c of layer l is the neuron with the network-wide id ``first_id(l) + c``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from .activations.base import Activation
from .activations.identity import Identity
from .costs.base import Cost
from .interlayer import Interlayer
from .neuron import Neuron, states
from .standard import StandardNeuron
from .state import Declared, SynapseState

Number = TypeVar("Number", bound=np.generic)
#: The type of floating-point numbers that a network computes in: float32 or float64.
Precision: TypeAlias = type[np.floating]

#: What a network may compute in, by name.
PRECISIONS: dict[str, Precision] = {"float32": np.float32, "float64": np.float64}


@dataclass(frozen=True)
class Dense:
    """Every sender is connected to every receiver; `bias` adds one sender whose output is 1."""

    bias: bool


#: How a layer is fed: by the network's input, one to one; by weights; by a normalization, one to one, without weights.
Incoming = Dense | Interlayer | None


@dataclass(frozen=True)
class Layer:
    """One layer: so many neurons of one class.

    Args:
        units: number of neurons.
        neuron: their class.
        activation: their activation.
        hyperparameters: the class's numbers, overrides applied (see `neuron.hyperparameters`).
        incoming: the connection that feeds the layer; None for the input layer.
        initial: where states of the class start in this layer, by name, those that start elsewhere than it declares.
        rate_factor: of the learning rate, for the incoming weights; 0 for a frozen layer, which no step changes.
    """

    units: int
    neuron: type[Neuron]
    activation: Activation
    hyperparameters: Mapping[str, float | int | bool]
    incoming: Incoming
    initial: Mapping[str, float] = field(default_factory=dict)
    rate_factor: float = 1.0

    def starts(self, kind: type[Declared]) -> dict[str, float]:
        """Where the layer's states of one kind start, by name.

        Args:
            kind: `State` or `SynapseState`.
        """
        declared = states(self.neuron).items()
        return {name: self.initial.get(name, state.initial) for name, state in declared if isinstance(state, kind)}


@dataclass(frozen=True)
class Matrix:
    """A matrix that belongs to a layer, within the flat array.

    Args:
        layer: index of the layer.
        offset: index of its first element in the flat array.
        rows, columns: its shape.
    """

    layer: int
    offset: int
    rows: int
    columns: int

    @property
    def size(self) -> int:
        """Number of its elements."""
        return self.rows * self.columns

    @property
    def stop(self) -> int:
        """Index after its last element in the flat array."""
        return self.offset + self.size

    def matrix(self, flat: NDArray[Number]) -> NDArray[Number]:
        """The matrix as a view of `flat`, of shape (rows, columns)."""
        return flat[self.offset : self.stop].reshape(self.rows, self.columns)


@dataclass(frozen=True)
class Block(Matrix):
    """The parameters of the dense connection INTO layer `layer`: a row for each sender, the bias included.

    Args:
        layer: index of the receiving layer; the senders are layer ``layer - 1``.
        bias: True where row 0 is the bias.
        rate_factor: of the learning rate; see `Layer`.
    """

    bias: bool
    rate_factor: float = 1.0

    @property
    def frozen(self) -> bool:
        """Whether no step changes the parameters, nor what is known of their last change."""
        return self.rate_factor == 0.0

    @property
    def first_weight(self) -> int:
        """Index in the flat array of the first element behind the bias."""
        return self.offset + int(self.bias) * self.columns

    def weights(self, flat: NDArray[Number]) -> NDArray[Number]:
        """The weights without the bias, a view of shape (senders, receivers)."""
        return self.matrix(flat)[int(self.bias) :]


@dataclass(frozen=True)
class StateBlock(Matrix):
    """One state of the neurons of layer `layer`, or of the synapses that they own.

    Args:
        layer: index of the layer whose class declares it.
        name: its name in the class.
        reduce: what becomes of the examples' changes, one of `state.REDUCTIONS`.
        initial: where it starts.
        of_synapses: True for a `SynapseState`: rows and columns are those of the outgoing connection's block. A
            `State` has one row and a column for each neuron.
    """

    name: str
    reduce: str
    initial: float
    of_synapses: bool


@dataclass(frozen=True)
class NetworkSpec:
    """A chain of layers, the first fed by the inputs, and the cost of the last one's outputs.

    Args:
        layers: from the input layer to the output layer; an interlayer is a layer of its own.
        cost: the cost to minimise.
        regularization: λ; adds λ·w to the gradient of every weight (not of biases).
        max_norm: bound on the norm of a neuron's incoming weights (without bias), or None.
        precision: the type of parameters, activations, deltas and sums: float32, or float64 to look into gradients.

    Raises:
        ValueError: a layer that is fed one to one has another number of units than the layer before.
    """

    layers: tuple[Layer, ...]
    cost: Cost
    regularization: float = 0.0
    max_norm: float | None = None
    precision: Precision = np.float32

    def __post_init__(self) -> None:
        # Kernels do not look: they would read beyond the outputs before.
        for number, (before, layer) in enumerate(pairwise(self.layers), start=1):
            if isinstance(layer.incoming, Interlayer) and layer.units != before.units:
                raise ValueError(
                    f"layer {number} normalizes the {before.units} units before it one to one and has {layer.units} "
                    "units: give it as many"
                )

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The parameter blocks, in the order of their layers."""
        found: list[Block] = []
        offset = 0
        for index, layer in enumerate(self.layers):
            if isinstance(layer.incoming, Dense):
                rows = self.layers[index - 1].units + int(layer.incoming.bias)
                found.append(Block(index, offset, rows, layer.units, layer.incoming.bias, layer.rate_factor))
                offset = found[-1].stop
        return tuple(found)

    @cached_property
    def states(self) -> tuple[StateBlock, ...]:
        """What neurons and synapses keep, behind the parameter blocks, in the order of their layers."""
        found: list[StateBlock] = []
        offset = self.parameter_count
        for index, layer in enumerate(self.layers):
            outgoing = self.block_into(index + 1)
            for name, declared in states(layer.neuron).items():
                of_synapses = isinstance(declared, SynapseState)
                if of_synapses and outgoing is None:
                    continue
                rows, columns = (outgoing.rows, outgoing.columns) if of_synapses and outgoing else (1, layer.units)
                initial = layer.initial.get(name, declared.initial)
                found.append(StateBlock(index, offset, rows, columns, name, declared.reduce, initial, of_synapses))
                offset = found[-1].stop
        return tuple(found)

    @cached_property
    def parameter_count(self) -> int:
        """Number of weights and biases."""
        return self.blocks[-1].stop if self.blocks else 0

    @cached_property
    def size(self) -> int:
        """Length of the flat array: weights, biases, and what neurons keep."""
        return self.states[-1].stop if self.states else self.parameter_count

    def block_into(self, layer: int) -> Block | None:
        """The block of the connection into `layer`, None where it has no weights."""
        return self._into.get(layer)

    @cached_property
    def _into(self) -> dict[int, Block]:
        return {block.layer: block for block in self.blocks}

    @cached_property
    def fused(self) -> bool:
        """True where the last layer only hands on a normalization whose gradient, with the cost, is known.

        Then engines leave its backward out: the layer before gets ``normalized - target`` as its delta.
        """
        last = self.layers[-1]
        if not isinstance(last.incoming, Interlayer) or last.neuron is not StandardNeuron:
            return False
        return type(last.activation) is Identity and last.incoming.fused_gradient(self.cost)

    def matrices(self, flat: NDArray[Number]) -> dict[Matrix, NDArray[Number]]:
        """The matrices in a flat array, as views: connections in the order of their layers, then states."""
        return {matrix: matrix.matrix(flat) for matrix in (*self.blocks, *self.states)}

    @cached_property
    def ids(self) -> tuple[NDArray[np.uint32], ...]:
        """Per layer, the network-wide ids of its neurons."""
        firsts = map(self.first_id, range(len(self.layers)))
        return tuple(
            np.arange(first + 1, first + 1 + layer.units, dtype=np.uint32)
            for first, layer in zip(firsts, self.layers, strict=True)
        )

    def first_id(self, layer: int) -> int:
        """The network-wide id of the layer's column 0, its bias sender; the neurons follow."""
        return sum(1 + earlier.units for earlier in self.layers[:layer])
