"""What neurons keep from batch to batch, as the kernels run: where they read it, and what a batch makes of it.

Kernels leave per example, in ``K_x``, what becomes of a neuron's state; when the batch is through, the changes are
reduced. Those of a synapse's state are added up where they arise, since there is one for each example and synapse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...jit import kernel
from ...spec import Matrix, NetworkSpec, StateBlock
from ...state import SynapseState
from ..operations.operation import Operation, Pass
from ..operations.watching import Watch, unwatched, watched
from ..operations.weights import WEIGHTS
from ..operations.work import Work
from .sinks import Sink

Arrays = dict[str, Any]


@kernel
def _reduce(left: Any, stored: Any, factors: Any, change: Any) -> None:
    """change += Σ over examples of factors·(left - stored). Shapes (b, n), (n,), (b,), (n,)."""
    for e in range(len(factors)):
        # Not as a factor 0: an example that does not count may have left an infinity.
        if factors[e] != 0.0:
            for i in range(len(stored)):
                change[i] += (left[e, i] - stored[i]) * factors[e]


@dataclass(frozen=True)
class StateOperations:
    """What is done with a state beside what kernels do.

    Args:
        zero: before changes are added up.
        reduce: the changes of all examples become one.
        add: the step.
    """

    zero: Operation
    reduce: Operation
    add: Operation


STATES = StateOperations(
    zero=WEIGHTS.zero,
    reduce=Pass(
        "reduce", _reduce, ("left", "stored", "factors", "change"), "left", Work(3), ("left", "stored"), ("change",)
    ),
    add=WEIGHTS.add,
)


class States:
    """The states of a network.

    Args:
        spec: the network.
        blocks: where they lie.
        kept: per layer, names of the states of neurons that the class's methods write.
        watch: who looks on.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        blocks: Sequence[StateBlock],
        kept: Sequence[frozenset[str]],
        watch: Watch = unwatched,
    ) -> None:
        self.spec = spec
        self.blocks = blocks
        self.operations = [watched(STATES, index, watch, "states") for index in range(len(spec.layers))]
        self.written = [state for state in blocks if not state.of_synapses and state.name in kept[state.layer]]

    def stored(self, matrices: Mapping[Matrix, NDArray[np.floating]]) -> list[Arrays]:
        """Per layer, what kernels read: views of the flat array.

        Args:
            matrices: those of the parameters, see `NetworkSpec.matrices`.
        """
        found: list[Arrays] = [
            {f"I_{name}": self.spec.precision(value) for name, value in layer.starts(SynapseState).items()}
            for layer in self.spec.layers
        ]
        for state in self.blocks:
            matrix = matrices[state]
            found[state.layer][f"T_{state.name}"] = matrix if state.of_synapses else matrix[0]
        return found

    def changes(self, positions: NDArray[np.uint32], total: int, sink: Sink) -> list[Arrays]:
        """Per layer, where a batch's changes are added up, zeroed, and the factors of its examples.

        Args:
            positions: of the examples in the job's batch.
            total: number of examples in the job's batch.
            sink: has the memory.
        """
        found: list[Arrays] = [{} for _ in self.spec.layers]
        for state in self.blocks:
            matrix = sink.change(state)
            self.operations[state.layer].zero.run({"update": matrix})
            found[state.layer][f"U_{state.name}"] = matrix if state.of_synapses else matrix[0]
            found[state.layer][f"F_{state.name}"] = self._factors(state, positions, total)
        return found

    def make(self, left: Sequence[Arrays], stored: Sequence[Arrays], changes: Sequence[Arrays], sink: Sink) -> None:
        """Complete the changes, and make the step where the sink does: no example of the batch reads a state any more.

        Args:
            left: per layer, its arrays.
            stored: what `stored` gave.
            changes: what `changes` gave.
            sink: takes them.
        """
        for state in self.written:
            layer, name = state.layer, state.name
            values = {
                "left": left[layer][f"K_{name}"],
                "stored": stored[layer][f"T_{name}"],
                "factors": changes[layer][f"F_{name}"],
                "change": changes[layer][f"U_{name}"],
            }
            self.operations[layer].reduce.run(values)
        for state in self.blocks:
            matrix = sink.changed(state)
            if matrix is not None:
                values = {"previous": sink.change(state).ravel(), "parameters": matrix.ravel()}
                self.operations[state.layer].add.run(values)

    def _factors(self, state: StateBlock, positions: NDArray[np.uint32], total: int) -> NDArray[np.floating]:
        """What each example's change counts."""
        if state.reduce == "last":
            return np.asarray(positions == total - 1, self.spec.precision)
        return np.full(len(positions), 1.0 / total if state.reduce == "mean" else 1.0, self.spec.precision)
