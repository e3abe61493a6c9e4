"""The way back of any other class: for a moment, each task gets the weights of its own neurons' synapses.

All that a neuron's `backward` may ask of its messages is then at hand: deltas, weights, previous changes and states of
synapses, of every receiver. The class's code runs as it does where a network is not divided; what it has pushed, and
what became of the states, goes back to the weights. Three exchanges, two of which carry the connection's weights; what
is fetched is dropped as soon as the layer is through.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..compiler.execution.draws import Draws
from ..compiler.execution.sinks import Collect, Sink
from ..compiler.operations.operation import Method
from .layer import named
from .ways import Way


class Rows(Way):
    """See the module."""

    @property
    def columns(self) -> int:
        return self.receivers.stage.layer.units

    @property
    def method(self) -> Method:
        return self.whole_method

    @property
    def own_names(self) -> set[str]:
        return set(self.part.stage.code.arrays)

    @property
    def wide_names(self) -> set[str]:
        return set()

    @property
    def _states(self) -> list[str]:
        """Names of what the synapses keep."""
        return [state.name for state in self.part.synapse_states]

    @property
    def _fetched(self) -> list[str]:
        """What lies with the weights, by the names of kernels."""
        code = self.part.stage.code
        used = named((*self.method, *code.bias_backward, *code.update))
        return ["W", *(["P"] if used & {"P", "PT"} else []), *(f"T_{name}" for name in self._states)]

    def prepare(self, draws: Draws, changes: dict[str, Any]) -> list[str]:
        layer, bias = self.block.layer, self.block.bias
        lying = self.part.stored | {"W": self.receivers.weights, "P": self.receivers.previous}
        matrices = self.meeting.to_senders(layer, [lying[name] for name in self._fetched], bias)
        self.values |= dict(zip(self._fetched, matrices, strict=True))
        self.values["weights"] = self.values["W"][int(bias) :]
        self.values["D"] = deltas = np.empty((len(draws.positions), self.columns), matrices.dtype)
        self.meeting.gather(layer, [self.receivers.arrays["B"]], [deltas])
        rows, columns = matrices.shape[1:]
        self.pushed = replace(self.block, offset=0, rows=rows, columns=columns)
        self.left = np.zeros((1 + len(self._states), rows, columns), matrices.dtype)
        self.values["U"] = self.left[0]
        self.values |= {f"U_{name}": matrix for name, matrix in zip(self._states, self.left[1:], strict=True)}
        self.values |= {f"F_{name}": changes[f"F_{name}"] for name in self._states}
        self.changes = [changes[f"U_{name}"] for name in self._states]
        return []

    def push(self, draws: Draws, sink: Sink, update: Any) -> None:
        stage, rows = self.part.stage, self.left[0]
        added = stage.code.analysis.pushes == "loop"
        collected = Collect(self.pushes.weights, {self.pushed: rows})
        self.pushes.push(stage, self.values, self.pushed, draws, collected, added=added)
        back = self.meeting.to_receivers(self.block.layer, self.left, self.block.bias)
        for change, state in zip(self.changes, back[1:], strict=True):
            change[...] = state
        if self.block.frozen:
            sink.skip(self.block)
        else:
            matrix = self.pushes.zeroed(self.block, sink) if update is None else update
            matrix += back[0]
            sink.loop(self.block, stage.coefficients(draws.rates))
        self._drop()

    def _drop(self) -> None:
        """Let go of what was fetched."""
        for name in (*self._fetched, "weights", "D", "U", *(f"U_{name}" for name in self._states)):
            del self.values[name]
        del self.left
