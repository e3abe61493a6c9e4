"""One layer at work: its operations, its arrays, and the values that its operations name.

What stays from step to step is put together once per batch size and view; a step sets only what it changes. For small
networks this is most of a step's time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from ...aligned import aligned
from ...engine import Rates
from ...errors import NeuronError, definition
from ...interlayer import Interlayer
from ...spec import Block, Dense, NetworkSpec
from ...state import State
from ..analysis.chances import check_chances
from ..analysis.compatibility import layer_analysis
from ..capture.tables import Sizes as TableSizes
from ..capture.tables import check_shapes
from ..emission.hazards import MISCALLED
from ..emission.modules import LayerCode, layer_code
from ..nir.evaluate import evaluate
from ..nir.expressions import Type, type_of_number
from ..nir.trees import mentions_uniform
from ..operations.buffers import PER_SENDER, Buffers, Sizes
from ..operations.chain import CHAIN, Normalization
from ..operations.faults import fault, raised, shown
from ..operations.operation import Method
from ..operations.watching import Watch, watched
from .sinks import Coefficients

Matrix = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
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


class Stage:
    """One layer of a network at work.

    Args:
        spec: the network.
        index: the layer.
        before: the stage of the layer before; None for the inputs.
        threads: how many a kernel may use.
        watch: who looks on.
    """

    def __init__(self, spec: NetworkSpec, index: int, before: Stage | None, threads: int, watch: Watch) -> None:
        self.spec = spec
        self.index = index
        self.before = before
        self.threads = threads
        self.layer = spec.layers[index]
        self.following = spec.layers[index + 1] if index + 1 < len(spec.layers) else None
        self.block = spec.block_into(index)
        #: The block of the weights that the layer's neurons send over.
        self.outgoing: Block | None = spec.block_into(index + 1)
        #: Factor of the learning rate that the layer's neurons see.
        self.rate_factor = 1.0 if self.outgoing is None else self.outgoing.rate_factor
        self.words: NDArray[np.uint32] = np.empty(0, np.uint32)
        self.status = np.zeros(3)
        self.tell: Callable[[], None] = self._tell
        self.arrays: dict[str, NDArray[Any]] = {}
        self.stored: dict[str, Any] = {}
        self.forward: dict[str, Any] = {}
        self.backward: dict[str, Any] = {}
        self.bias: dict[str, Any] = {}
        self.code = watched(self._code(), index, watch)
        self.chain = watched(CHAIN, index, watch, "chain")
        self.normalization: Normalization | None = None
        if isinstance(self.layer.incoming, Interlayer):
            self.normalization = watched(Normalization.of(self.layer.incoming), index, watch, "chain")
        self.buffers, self.bias_buffers = (Buffers(self.code.arrays, spec.precision) for _ in range(2))
        self._seen: tuple[View | None, int] = None, 0
        self._coefficients: tuple[Any, Coefficients] | None = None

    def _code(self) -> LayerCode:
        incoming = "dense" if isinstance(self.layer.incoming, Dense) else "single"
        outgoing = "dense" if self.following is not None and isinstance(self.following.incoming, Dense) else "single"
        analysis = layer_analysis(self.layer, self.following)
        if self.before is None:
            analysis = analysis.of_inputs
        check_chances(analysis, self.layer.hyperparameters)
        return layer_code(analysis, incoming, outgoing, self.spec.precision.__name__)

    # What the operations name ------------------------------------------------------------------------------------

    @cached_property
    def constants(self) -> dict[str, Any]:
        """What no step changes."""
        casts: dict[Type, Any] = {Type.FLOAT: self.spec.precision, Type.INT: int, Type.BOOL: bool}
        numbers = {f"h_{name}": casts[type_of_number(it)](it) for name, it in self.layer.hyperparameters.items()}
        return (
            numbers
            | self._tables()
            | {
                "layer": self.index,
                "first": self.spec.first_id(self.index),
                "bias": int(self.outgoing.bias) if self.outgoing is not None else 0,
                "incoming": self.block.rows if self.block is not None else 1,
                "outgoing": self.outgoing.columns if self.outgoing is not None else 1,
                "foremost": 0,
                "status": self.status,
                "threads": self.threads,
                "R": np.empty((self.code.draw_rows, 4 * (self.layer.units + 8)), np.uint32),
            }
        )

    def _tables(self) -> dict[str, NDArray[Any]]:
        """The arrays that the neurons read, as they are now."""
        analysis, units = self.code.analysis, self.layer.units
        tables = analysis.subject.tables.now(self.spec.precision)
        if tables:
            senders = self.block.rows - int(self.block.bias) if self.block is not None else units
            sizes = TableSizes(units, senders, self.outgoing.columns if self.outgoing is not None else units)
            bodies = analysis.forward, analysis.predict, analysis.backward or ()
            check_shapes(bodies, tables, sizes, f"layer {self.index} ({self.layer.neuron.__name__})")
        return tables

    def enter(self, view: View, examples: int) -> None:
        """Make ready for batches of so many examples; the layers before must have entered."""
        if self._seen[0] is view and self._seen[1] == examples:
            return
        self._seen = view, examples
        ids = view.ids[self.index]
        self.arrays = self._arrays(self.buffers, view, examples, len(ids), self.layer.units)
        self.stored = view.stored[self.index]
        common = self.constants | self.arrays | self.stored | {"ids": ids}
        self.forward = common | self._incoming(view)
        self.backward = common | self._outgoing(view)
        self.bias = {}
        if self.runs_bias:
            self.bias = self.of_bias(self.arrays, self._arrays(self.bias_buffers, view, examples, 1, 1))

    @property
    def runs_bias(self) -> bool:
        """True where the bias sender has kernels of its own."""
        code = self.code
        return self.outgoing is not None and self.outgoing.bias and bool(code.bias_forward or code.bias_backward)

    def of_bias(self, arrays: Mapping[str, NDArray[Any]], alone: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """What kernels of the layer's bias sender name in place of the layer's own.

        Args:
            arrays: the layer's.
            alone: the same for one neuron.
        """
        # Its factors of the push are column 0 of the layer's.
        shared = {name: it for name, it in arrays.items() if self.code.arrays[name].shape == PER_SENDER}
        precision, starts = self.spec.precision, self.layer.starts(State)
        kept = {f"T_{name}": np.full(1, value, precision) for name, value in starts.items()}
        ids = np.array([self.spec.first_id(self.index)], np.uint32)
        return {**alone, **shared, "H": arrays["H"], **kept, "ids": ids}

    def _arrays(self, buffers: Buffers, view: View, examples: int, neurons: int, units: int) -> dict[str, NDArray[Any]]:
        incoming = view.parameters[self.index]
        outgoing = view.parameters[self.index + 1] if self.following is not None else None
        sizes = Sizes(
            examples,
            neurons,
            1 if incoming is None else incoming.shape[0],
            1 if outgoing is None else outgoing.shape[1],
        )
        constants = self.constants
        return buffers.arrays(sizes, Sizes(examples, units, constants["incoming"], constants["outgoing"]))

    def _incoming(self, view: View) -> dict[str, Any]:
        if self.before is None:
            return {}
        senders = self.before.arrays["O"]
        if not isinstance(self.layer.incoming, Dense):
            return {"X": senders[:, 1:]}
        bias = self.layer.incoming.bias
        weights = view.parameters[self.index]
        synapses = self.synapses(weights, view.ids[self.index - 1], view.ids[self.index])
        return synapses | {"X": senders if bias else senders[:, 1:], "W": weights, "bias": int(bias)}

    def synapses(
        self, weights: Matrix | None, senders: NDArray[np.uint32], receivers: NDArray[np.uint32]
    ) -> dict[str, Any]:
        """Where the random words of the incoming synapses are, and who is at their ends.

        Args:
            weights: those of the synapses, None where there are none.
            senders: ids of the neurons before.
            receivers: ids of those that the weights lead to.
        """
        analysis = self.code.analysis
        if weights is None or not (analysis.draws_synapses or analysis.predicts_by_synapses):
            return {}
        if len(self.words) < weights.size:
            self.words = aligned(weights.size, np.uint32)
        words = self.words[: weights.size].reshape(weights.shape)
        return {"M": words, "senders": senders, "receivers": receivers}

    def draws(self, *, training: bool) -> bool:
        """True where `forward` asks for the draws of synapses."""
        analysis = self.code.analysis
        drawn = analysis.draws_synapses if training else analysis.predicts_by_synapses
        return drawn and self.block is not None

    def _outgoing(self, view: View) -> dict[str, Any]:
        if self.outgoing is None:
            return {}
        matrix = view.parameters[self.index + 1]
        assert matrix is not None
        return {"W": matrix, "weights": matrix[int(self.outgoing.bias) :], "P": view.previous[self.index + 1]}

    def given_to(self, receivers: Stage, rates: Rates, share: float) -> dict[str, Any]:
        """What kernels of receivers that are no weighted sums take; they give G, H and U (see `sweeping`).

        Args:
            receivers: the next layer.
            rates: those of the step.
            share: what one example counts.
        """
        assert self.outgoing is not None
        own = {name: self.backward[name] for name in ("D", "U", "G", "H")}
        factors = self.arrays[self.code.gradients or "O"]
        rate = self.spec.precision(self.coefficients(rates).scale * share)
        return receivers.forward | own | {"A": factors if self.outgoing.bias else factors[:, 1:], "rate": rate}

    # Running -----------------------------------------------------------------------------------------------------

    def run(self, method: Method, values: Mapping[str, Any]) -> None:
        """Run a method's operations.

        Raises:
            NeuronError: numba refuses a kernel, or a kernel has left an error.
        """
        try:
            for operation in method:
                operation.run(values)
        except NumbaError as error:
            raise fault(self._name, self.code.path, error) from shown(error)
        except ValueError as error:
            raise raised(self._name, error) from None
        if self.status[0]:
            self.tell()

    @property
    def _name(self) -> str:
        return f"{self.layer.neuron.__name__} of layer {self.index}"

    def _tell(self) -> None:
        """Raise what a kernel has left in `status`.

        Raises:
            NeuronError: always.
        """
        code, value, size = int(self.status[0]), float(self.status[1]), float(self.status[2])
        self.status[:] = 0.0
        neuron = self.layer.neuron
        if code in MISCALLED:
            method, action = MISCALLED[code]
            raise NeuronError(
                f"a neuron of layer {self.index} ({neuron.__name__}) did not call self.{action}(...) exactly once",
                definition(getattr(neuron, method)),
            )
        who = f"a neuron of layer {self.index} ({neuron.__name__})"
        raise self.code.hazards.error(code, value, size, who)

    # The weights -------------------------------------------------------------------------------------------------

    @cached_property
    def _counts_steps(self) -> bool:
        analysis = self.code.analysis
        parts = (analysis.scale, analysis.carry.beta, analysis.carry.gamma)
        return any(part is not None and mentions_uniform(part, "iteration") for part in parts)

    def uniforms(self, rates: Rates) -> dict[str, Any]:
        """The numbers that are the same for all of the layer, by name; see `evaluate`."""
        rates = rates.times(self.rate_factor)
        own = {"learning_rate": rates.learning_rate, "momentum": rates.momentum, "iteration": rates.step}
        return self.constants | own

    def coefficients(self, rates: Rates) -> Coefficients:
        """What a step does to the outgoing weights beside D: what the class pushes, and regularization."""
        key = rates.learning_rate, rates.momentum, rates.step if self._counts_steps else 0
        if self._coefficients is None or self._coefficients[0] != key:
            values = self.uniforms(rates)
            analysis = self.code.analysis
            scale = 1.0 if analysis.scale is None else evaluate(analysis.scale, values)
            beta, gamma = evaluate(analysis.carry.beta, values), evaluate(analysis.carry.gamma, values)
            decay = gamma - values["learning_rate"] * self.spec.regularization
            self._coefficients = key, Coefficients(scale, beta, gamma, decay)
        return self._coefficients[1]
