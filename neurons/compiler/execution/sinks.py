"""Where pushes go: collected for a strategy to exchange, or applied at once; over all weights or a sub-model's part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ... import spec
from ...aligned import aligned
from ...spec import Block, StateBlock
from ..operations.operation import Operation
from ..operations.weights import WeightOperations

Matrix = NDArray[np.floating]
#: The operations of each connection, by the index of the layer that it leads to.
Weights = Mapping[int, WeightOperations]
#: The rows and columns of each block's matrix that a sub-model uses.
Places = Mapping[Block, tuple[NDArray[np.intp], NDArray[np.intp]]]


@dataclass(frozen=True)
class Coefficients:
    """What one step does to one block beside D: previous = D + β·previous + γ·parameters.

    Args:
        scale: factor of the push's matrix product.
        beta: of the previous change.
        gamma: of the bias row.
        gamma_weights: of the weights: γ and the share of regularization.
    """

    scale: float
    beta: float
    gamma: float
    gamma_weights: float


@dataclass(frozen=True)
class Term:
    """One matrix product of a push: factorsᵀ · deltas.

    Args:
        factors: (b, senders): outputs, or factors of the push; with the bias sender's where the block has one.
        deltas: (b, receivers).
    """

    factors: Any
    deltas: Any


class Scratch:
    """One piece of memory for matrices that are needed one at a time; it grows to the largest.

    Args:
        dtype: of their elements.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.storage: NDArray[np.floating] = np.empty(0, dtype)

    def matrix(self, rows: int, columns: int) -> Matrix:
        """A matrix with undefined contents, valid until the next call."""
        if len(self.storage) < rows * columns:
            self.storage = aligned(rows * columns, self.storage.dtype)
        return self.storage[: rows * columns].reshape(rows, columns)


class Sink(ABC):
    """Receives the pushes of one batch, block by block, from the last to the first.

    Args:
        operations: those of each connection, by the index of the layer that it leads to.
    """

    def __init__(self, operations: Weights) -> None:
        self.operations = operations

    @abstractmethod
    def product(self, block: Block, terms: Sequence[Term], share: float, coefficients: Coefficients) -> None:
        """D = scale · share · Σ factorsᵀ · deltas over the terms.

        Args:
            block: the connection.
            terms: one or more products.
            share: 1 / examples in the job's batch.
            coefficients: those of the block.
        """

    @abstractmethod
    def matrix(self, block: Block) -> Matrix:
        """A matrix (senders, receivers) for D, its contents undefined; `loop` tells that it is complete."""

    @abstractmethod
    def loop(self, block: Block, coefficients: Coefficients) -> None:
        """The matrix given for the block is complete."""

    @abstractmethod
    def skip(self, block: Block) -> None:
        """The block is frozen: D is 0, and the step leaves it alone."""

    @abstractmethod
    def change(self, state: StateBlock) -> Matrix:
        """Where the change of a state goes; contents undefined."""

    @abstractmethod
    def changed(self, state: StateBlock) -> Matrix | None:
        """The state, to add a complete change to; None where changes are collected only."""


def _add_products(operation: Operation, terms: Sequence[Term], alpha: float, beta: float, out: Matrix) -> None:
    """out = alpha · Σ factorsᵀ · deltas + beta · out."""
    for term in terms:
        operation.run({"factors": term.factors, "deltas": term.deltas, "alpha": alpha, "beta": beta, "update": out})
        beta = 1.0


class Collect(Sink):
    """D of every block goes to its place in an array.

    Args:
        operations: as for every sink.
        places: block or state → where its D goes.
    """

    def __init__(self, operations: Weights, places: Mapping[spec.Matrix, Matrix]) -> None:
        super().__init__(operations)
        self.places = places

    def product(self, block: Block, terms: Sequence[Term], share: float, coefficients: Coefficients) -> None:
        push = self.operations[block.layer].push
        _add_products(push, terms, coefficients.scale * share, 0.0, self.places[block])

    def matrix(self, block: Block) -> Matrix:
        return self.places[block]

    def loop(self, block: Block, coefficients: Coefficients) -> None:
        """D is where it belongs."""

    def skip(self, block: Block) -> None:
        self.operations[block.layer].zero.run({"update": self.places[block]})

    def change(self, state: StateBlock) -> Matrix:
        return self.places[state]

    def changed(self, state: StateBlock) -> Matrix | None:
        return None


class Apply(Sink):
    """The step is made at once: products go into `previous` itself, momentum on the way (BLAS's beta)."""

    def __init__(self, operations: Weights, parameters: NDArray[np.float32], previous: NDArray[np.float32]) -> None:
        super().__init__(operations)
        self.parameters = parameters
        self.previous = previous
        self.scratch = Scratch(parameters.dtype)

    def product(self, block: Block, terms: Sequence[Term], share: float, coefficients: Coefficients) -> None:
        own = self.operations[block.layer]
        _add_products(own.push, terms, coefficients.scale * share, coefficients.beta, block.matrix(self.previous))
        for part, gamma in parts(block, block.offset, block.stop, coefficients):
            pass_over = own.decay if gamma else own.add
            pass_over.run({"previous": self.previous[part], "parameters": self.parameters[part], "gamma": gamma})

    def matrix(self, block: Block) -> Matrix:
        return self.scratch.matrix(block.rows, block.columns)

    def loop(self, block: Block, coefficients: Coefficients) -> None:
        update = self.scratch.matrix(block.rows, block.columns).ravel()
        carry = self.operations[block.layer].carry
        add_update(carry, update, self.previous, self.parameters, block, block.offset, block.stop, coefficients)

    def skip(self, block: Block) -> None:
        """Neither momentum nor decay, either."""

    def change(self, state: StateBlock) -> Matrix:
        return state.matrix(self.previous)

    def changed(self, state: StateBlock) -> Matrix | None:
        return state.matrix(self.parameters)


class CollectPart(Sink):
    """D of a sub-model goes to its rows and columns, 0 to the others.

    Args:
        operations: as for every sink.
        out: flat array.
        places: block → its kept rows and columns.
        scratch: where D is formed.
    """

    def __init__(self, operations: Weights, out: NDArray[np.float32], places: Places, scratch: Scratch) -> None:
        super().__init__(operations)
        self.out = out
        self.places = places
        self.scratch = scratch

    def product(self, block: Block, terms: Sequence[Term], share: float, coefficients: Coefficients) -> None:
        push = self.operations[block.layer].push
        _add_products(push, terms, coefficients.scale * share, 0.0, self._part(block))
        self.loop(block, coefficients)

    def matrix(self, block: Block) -> Matrix:
        return self._part(block)

    def loop(self, block: Block, coefficients: Coefficients) -> None:
        rows, columns = self.places[block]
        values = {"part": self._part(block), "rows": rows, "columns": columns, "out": block.matrix(self.out)}
        self.operations[block.layer].scatter.run(values)

    def skip(self, block: Block) -> None:
        self.operations[block.layer].zero.run({"update": block.matrix(self.out)})

    # A sub-model leaves out no neuron that keeps something (see `analysis`): states are whole.
    def change(self, state: StateBlock) -> Matrix:
        return state.matrix(self.out)

    def changed(self, state: StateBlock) -> Matrix | None:
        return None

    def _part(self, block: Block) -> Matrix:
        rows, columns = self.places[block]
        return self.scratch.matrix(len(rows), len(columns))


class ApplyPart(CollectPart):
    """A sub-model's step: momentum and decay reach all weights, the push its own."""

    def __init__(
        self,
        operations: Weights,
        parameters: NDArray[np.float32],
        previous: NDArray[np.float32],
        places: Places,
        scratch: Scratch,
    ) -> None:
        super().__init__(operations, previous, places, scratch)
        self.parameters = parameters

    def loop(self, block: Block, coefficients: Coefficients) -> None:
        rows, columns = self.places[block]
        values = {
            "part": self._part(block),
            "rows": rows,
            "columns": columns,
            "previous": block.matrix(self.out),
            "parameters": block.matrix(self.parameters),
            "beta": coefficients.beta,
            "gamma": (coefficients.gamma, coefficients.gamma_weights),
            "first": int(block.bias),
        }
        self.operations[block.layer].scatter_and_add.run(values)

    def skip(self, block: Block) -> None:
        """`out` is the previous change, which stays."""

    def changed(self, state: StateBlock) -> Matrix | None:
        return state.matrix(self.parameters)


def parts(block: Block, start: int, stop: int, coefficients: Coefficients) -> list[tuple[slice, float]]:
    """The stretches of a block within [start, stop) of the flat array, each with its γ: bias row, weights.

    One stretch where both have the same: a pass is a call.
    """
    if coefficients.gamma == coefficients.gamma_weights:
        return [(slice(start, stop), coefficients.gamma)] if start < stop else []
    found = []
    for low, high, gamma in (
        (block.offset, block.first_weight, coefficients.gamma),
        (block.first_weight, block.stop, coefficients.gamma_weights),
    ):
        low, high = max(low, start), min(high, stop)
        if low < high:
            found.append((slice(low, high), gamma))
    return found


def add_update(
    carry: Operation,
    update: NDArray[np.float32],
    previous: NDArray[np.float32],
    parameters: NDArray[np.float32],
    block: Block,
    start: int,
    stop: int,
    coefficients: Coefficients,
) -> None:
    """Make the step of the stretch [start, stop) of a block by `carry`; `update` holds its D, beginning at `start`."""
    for part, gamma in parts(block, start, stop, coefficients):
        own = update[part.start - start : part.stop - start]
        carry.run(
            {
                "update": own,
                "previous": previous[part],
                "parameters": parameters[part],
                "beta": coefficients.beta,
                "gamma": gamma,
            }
        )
