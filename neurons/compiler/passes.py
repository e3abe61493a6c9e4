"""Forward and backward through a chain of layers: which product, which kernel, on which arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from ..engine import Rates
from ..errors import NeuronError, definition
from ..interlayer import Interlayer
from ..spec import Block, Dense, NetworkSpec
from .buffers import Buffers, Sizes
from .chain import CHAIN, Normalization
from .chances import check_chances
from .compatibility import layer_analysis
from .evaluate import evaluate
from .faults import fault, shown
from .modules import LayerCode, cost_code, layer_code
from .nir import Type, type_of_number
from .operations import Method
from .sinks import Coefficients, Sink, Term
from .states import States
from .tables import Sizes as TableSizes
from .tables import check_shapes
from .watching import Watch, unwatched, watched
from .weights import WEIGHTS
from .writer import MISCALLED

Matrix = NDArray[np.float32]
_CASTS: dict[Type, Any] = {Type.FLOAT: np.float32, Type.INT: int, Type.BOOL: bool}


@dataclass(frozen=True)
class View:
    """The part of the network that takes part in a batch.

    Args:
        ids: per layer, the network-wide ids of the neurons, uint32.
        parameters, previous: per layer, the matrix of the connection into it; None where it has no weights.
        stored: per layer, what its neurons and synapses keep (see `states`).
    """

    ids: list[NDArray[np.uint32]]
    parameters: list[Matrix | None]
    previous: list[Matrix | None]
    stored: list[dict[str, Any]]


@dataclass(frozen=True)
class Draws:
    """The counters of a batch's draws: positions, lanes, step; the key; and what changes from step to step.

    `total` is the number of examples in the job's batch.
    """

    positions: NDArray[np.uint32]
    lanes: NDArray[np.uint32]
    key: tuple[np.uint32, np.uint32]
    rates: Rates
    total: int = 1

    @property
    def share(self) -> float:
        """What one example counts in the mean over the job's batch."""
        return 1.0 / self.total


class Passes:
    """Runs the kernels of a network.

    Args:
        spec: the network.
        watch: who looks on.
    """

    def __init__(self, spec: NetworkSpec, watch: Watch = unwatched) -> None:
        self.spec = spec
        layers = range(len(spec.layers))
        self.codes = [watched(self._code(index), index, watch) for index in layers]
        self.cost = watched(cost_code(spec.cost), layers[-1], watch, "cost")
        self.chain = [watched(CHAIN, index, watch, "chain") for index in layers]
        self.normalizations = {
            index: watched(Normalization.of(layer.incoming), index, watch, "chain")
            for index, layer in enumerate(spec.layers)
            if isinstance(layer.incoming, Interlayer)
        }
        self.weights = {block.layer: watched(WEIGHTS, block.layer - 1, watch, "weights") for block in spec.blocks}
        self.states = States(spec, [code.analysis.kept for code in self.codes], watch)
        self.buffers = [Buffers(code.arrays) for code in self.codes]
        self.bias_buffers = [Buffers(code.arrays) for code in self.codes]
        self.status = np.zeros(3)
        self.tell = self._tell
        self.constants = [self._constants(index) for index in range(len(spec.layers))]

    def _code(self, index: int) -> LayerCode:
        layer = self.spec.layers[index]
        following = self.spec.layers[index + 1] if index + 1 < len(self.spec.layers) else None
        incoming = "dense" if isinstance(layer.incoming, Dense) else "single"
        outgoing = "dense" if following is not None and isinstance(following.incoming, Dense) else "single"
        analysis = layer_analysis(layer)
        check_chances(analysis, layer.hyperparameters)
        return layer_code(analysis, incoming, outgoing)

    def _constants(self, index: int) -> dict[str, Any]:
        layer = self.spec.layers[index]
        block, incoming = self.outgoing_block(index), self.spec.block_into(index)
        numbers = {f"h_{name}": _CASTS[type_of_number(value)](value) for name, value in layer.hyperparameters.items()}
        bias = int(block.bias) if block is not None else 0
        scratch = np.empty((self.codes[index].draw_rows, 2 * (layer.units + 8)), np.uint32)
        return (
            numbers
            | self._tables(index)
            | {
                "layer": index,
                "first": self.spec.first_id(index),
                "bias": bias,
                "incoming": incoming.rows if incoming is not None else 1,
                "outgoing": block.columns if block is not None else 1,
                "status": self.status,
                "R": scratch,
            }
        )

    def _tables(self, index: int) -> dict[str, NDArray[Any]]:
        """The arrays that a layer's neurons read, as they are now."""
        layer, analysis = self.spec.layers[index], self.codes[index].analysis
        tables = analysis.subject.tables.now()
        if tables:
            block, incoming = self.outgoing_block(index), self.spec.block_into(index)
            senders = incoming.rows - int(incoming.bias) if incoming is not None else layer.units
            sizes = TableSizes(layer.units, senders, block.columns if block is not None else layer.units)
            bodies = analysis.forward, analysis.predict, analysis.backward or ()
            check_shapes(bodies, tables, sizes, f"layer {index} ({layer.neuron.__name__})")
        return tables

    def outgoing_block(self, index: int) -> Block | None:
        """The block of the weights that a layer's neurons send over."""
        return self.spec.block_into(index + 1)

    # One layer ---------------------------------------------------------------------------------------------------

    def values(self, index: int, draws: Draws) -> dict[str, Any]:
        """The scalars that a layer's kernels take."""
        rates = draws.rates
        return self.constants[index] | {
            "positions": draws.positions,
            "lanes": draws.lanes,
            "step": np.uint32(rates.step & 0xFFFFFFFF),
            "k0": draws.key[0],
            "k1": draws.key[1],
            "learning_rate": np.float32(rates.learning_rate),
            "momentum": np.float32(rates.momentum),
            "iteration": rates.step,
            "share": np.float32(draws.share),
        }

    def _run(self, operations: Method, values: dict[str, Any], index: int) -> None:
        try:
            for operation in operations:
                operation.run(values)
        except NumbaError as error:
            name = self.spec.layers[index].neuron.__name__
            raise fault(f"{name} of layer {index}", self.codes[index].path, error) from shown(error)
        if self.status[0]:
            self.tell(index)

    def _tell(self, index: int) -> None:
        """Raise what a kernel of a layer has left in `status`.

        Raises:
            NeuronError: always.
        """
        code, value, size = int(self.status[0]), float(self.status[1]), float(self.status[2])
        self.status[:] = 0.0
        neuron = self.spec.layers[index].neuron
        if code in MISCALLED:
            method, action = MISCALLED[code]
            raise NeuronError(
                f"a neuron of layer {index} ({neuron.__name__}) did not call self.{action}(...) exactly once",
                definition(getattr(neuron, method)),
            )
        raise self.codes[index].hazards.error(code, value, size, f"a neuron of layer {index} ({neuron.__name__})")

    def arrays(self, view: View, index: int, examples: int) -> dict[str, NDArray[Any]]:
        """The arrays of a layer for a batch."""
        neurons = len(view.ids[index])
        return self.buffers[index].arrays(
            _sizes(view.parameters, index, examples, neurons),
            self._whole_sizes(index, examples, self.spec.layers[index].units),
        )

    def _of_bias(self, view: View, index: int, examples: int) -> dict[str, Any]:
        """What a layer's bias sender has of its own."""
        sizes = _sizes(view.parameters, index, examples, 1)
        arrays = self.bias_buffers[index].arrays(sizes, self._whole_sizes(index, examples, 1))
        ids = np.array([self.spec.first_id(index)], np.uint32)
        return arrays | self.states.of_bias[index] | {"ids": ids}

    def _whole_sizes(self, index: int, examples: int, neurons: int) -> Sizes:
        incoming, outgoing = self.spec.block_into(index), self.outgoing_block(index)
        return Sizes(examples, neurons, incoming.rows if incoming else 1, outgoing.columns if outgoing else 1)

    # Forward -----------------------------------------------------------------------------------------------------

    def forward(self, view: View, inputs: Matrix, draws: Draws, *, training: bool) -> Matrix:
        """Run all layers; returns the last one's O, shape (b, 1 + units).

        Args:
            view: who takes part.
            inputs: float32, shape (b, features in the view).
            draws: counters and key.
            training: which of the two kernels.
        """
        examples = len(inputs)
        arrays: dict[str, NDArray[Any]] = {}
        for index, layer in enumerate(self.spec.layers):
            before, arrays = arrays, self.arrays(view, index, examples)
            code = self.codes[index]
            values = self.values(index, draws) | arrays | view.stored[index]
            values["ids"] = view.ids[index]
            match layer.incoming:
                case Dense(bias):
                    values["X"] = before["O"] if bias else before["O"][:, 1:]
                    values["W"] = view.parameters[index]
                    values["bias"] = int(bias)
                case Interlayer():
                    self.normalizations[index].apply.run({"X": before["O"][:, 1:], "S": arrays["S"]})
                case None:
                    values["S"] = inputs
            self._run(code.forward if training else code.predict, values, index)
            if training and code.bias_forward:
                own = self._of_bias(view, index, examples)
                self._run(code.bias_forward, values | own, index)
        return arrays["O"]

    # Backward ----------------------------------------------------------------------------------------------------

    def backward(self, view: View, targets: Matrix, draws: Draws, sink: Sink) -> float:
        """Run all layers backward; pushes go to the sink. Returns the sum of the examples' costs.

        Args:
            view: who takes part; the same as in `forward`.
            targets: float32, shape (b, output units).
            draws: counters and key.
            sink: receives the pushes.
        """
        examples = len(targets)
        top = len(self.spec.layers) - 1
        last = self.arrays(view, top, examples)
        if self.spec.fused:
            loss = self.cost.loss.run({"O": last["O"], "T": targets})
            top -= 1
            gradient = self.arrays(view, top, examples)["G"]
            self.chain[top].difference.run({"outputs": last["O"][:, 1:], "targets": targets, "G": gradient})
        else:
            loss = self.cost.gradient.run({"O": last["O"], "T": targets, "G": last["G"]})
        deltas: Matrix | None = None
        changes = self.states.changes(draws.positions, draws.total, sink)
        for index in range(top, -1, -1):
            deltas = self._layer_backward(view, index, draws, sink, deltas, changes[index])
        left = [self.arrays(view, index, examples) for index in range(len(self.spec.layers))]
        self.states.make(left, view.stored, changes, sink)
        return float(loss)

    def _layer_backward(
        self, view: View, index: int, draws: Draws, sink: Sink, deltas: Matrix | None, changes: dict[str, Any]
    ) -> Matrix:
        """One layer: from the deltas of the next one to its own; deltas None means that G is there already."""
        code, examples = self.codes[index], len(draws.positions)
        arrays = self.arrays(view, index, examples)
        values = self.values(index, draws) | arrays | view.stored[index] | changes
        values["ids"] = view.ids[index]
        block = self.outgoing_block(index) if deltas is not None else None
        if deltas is not None:
            following = self.spec.layers[index + 1].incoming
            if isinstance(following, Interlayer):
                after = self.arrays(view, index + 1, examples)
                normalization = self.normalizations[index + 1].backward
                normalization.run({"X": arrays["O"][:, 1:], "S": after["S"], "D": deltas, "G": arrays["G"]})
            elif block is not None:
                matrix = view.parameters[index + 1]
                assert matrix is not None
                weights = matrix[int(block.bias) :]
                values |= {"D": deltas, "W": matrix, "weights": weights, "P": view.previous[index + 1]}
        if block is not None and code.analysis.pushes == "loop":
            values["U"] = sink.matrix(block)
        # Nobody needs the delta of the inputs.
        self._run(code.push if index == 0 else code.backward, values, index)
        if block is not None and block.bias:
            own = self._of_bias(view, index, examples) | {"A": arrays["A"]}
            self._run(code.bias_backward, values | own, index)
        if block is not None:
            self._push(block, code, arrays, deltas, draws, sink)
        return arrays["B"]

    def _push(
        self, block: Block, code: LayerCode, arrays: dict[str, NDArray[Any]], deltas: Any, draws: Draws, sink: Sink
    ) -> None:
        coefficients = self.coefficients(block, draws.rates)
        pushes = code.analysis.pushes
        if pushes == "product":
            factors = arrays["O"] if code.analysis.scale is not None else arrays["A"]
            term = Term(factors if block.bias else factors[:, 1:], deltas)
            sink.product(block, (term,), draws.share, coefficients)
            return
        if pushes == "none":
            sink.matrix(block)
        sink.loop(block, coefficients)

    def coefficients(self, block: Block, rates: Rates) -> Coefficients:
        """What a step does to a block beside its D: from what its senders' class pushes, and regularization."""
        index = block.layer - 1
        values = self.constants[index] | {
            "learning_rate": rates.learning_rate,
            "momentum": rates.momentum,
            "iteration": rates.step,
        }
        analysis = self.codes[index].analysis
        scale = 1.0 if analysis.scale is None else evaluate(analysis.scale, values)
        beta, gamma = evaluate(analysis.carry.beta, values), evaluate(analysis.carry.gamma, values)
        return Coefficients(scale, beta, gamma, gamma - rates.learning_rate * self.spec.regularization)


def _sizes(parameters: list[Matrix | None], index: int, examples: int, neurons: int) -> Sizes:
    following = parameters[index + 1] if index + 1 < len(parameters) else None
    incoming = parameters[index]
    return Sizes(
        examples,
        neurons,
        1 if incoming is None else incoming.shape[0],
        1 if following is None else following.shape[1],
    )
