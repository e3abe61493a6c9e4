"""Forward and backward through a task's shares of all layers: what is computed here, and what is exchanged.

Forward, one exchange for each layer: its outputs. Back, what the layers' ways take, and one for each normalization.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler.execution.draws import Draws
from ..compiler.execution.passes import Passes
from ..compiler.execution.sinks import Sink
from ..compiler.execution.stage import Matrix
from ..compiler.execution.states import States
from ..engine import Batch, Score
from ..scoring import count_correct, dense_targets
from .layer import LayerShare
from .meeting import Meeting
from .products import Products, reads_sums_only
from .rows import Rows
from .share import Share
from .ways import Tools, Way


class DividedPasses:
    """Runs a task's share of a network.

    Args:
        passes: the network's operations.
        share: what the task holds.
        meeting: the other tasks.
        flat: the task's parameters and previous changes.
        training: False where nothing will run backward.
    """

    def __init__(
        self, passes: Passes, share: Share, meeting: Meeting, flat: tuple[Matrix, Matrix], *, training: bool
    ) -> None:
        self.passes = passes
        self.meeting = meeting
        self.states = States(share.spec, share.states, [stage.code.analysis.kept for stage in passes.stages])
        stored = self.states.stored(share.matrices(flat[0]))
        self.parts: list[LayerShare] = []
        for stage in passes.stages:
            before = self.parts[-1] if self.parts else None
            self.parts.append(LayerShare(stage, share, before, flat, stored[stage.index]))
        tools = Tools(meeting, passes.pushes)
        self.ways = [self._way(index, tools) if training else None for index in range(len(self.parts))]

    def _way(self, index: int, tools: Tools) -> Way | None:
        """None where no weights follow."""
        part = self.parts[index]
        if part.stage.outgoing is None:
            return None
        kind = Products if reads_sums_only(part) else Rows
        return kind(part, self.parts[index + 1], self.passes.through[index], tools)

    def train(self, batch: Batch, draws: Draws, sink: Sink) -> Score:
        """Run a batch forward and backward; pushes go to the sink.

        Args:
            batch: the batch.
            draws: counters and key.
            sink: receives the pushes.
        """
        targets = dense_targets(batch.targets, self.passes.spec.layers[-1].units, self.passes.spec.precision)
        outputs = self.forward(batch.inputs, draws, training=True)
        loss = self.backward(targets, draws, sink, batch.weights)
        return Score(loss, count_correct(outputs[:, 1:], targets), len(targets))

    def forward(self, inputs: Matrix, draws: Draws, *, training: bool) -> Matrix:
        """Run all layers; returns the last one's O, of all its neurons, shape (b, 1 + units).

        Where synapses draw, all examples share the draws of the first (see `runs`).

        Args:
            inputs: shape (b, features), all of them.
            draws: counters and key.
            training: which of the two kernels.
        """
        self._enter(len(inputs))
        for part, way in zip(self.parts, self.ways, strict=True):
            stage, values, code = part.stage, part.forward, part.stage.code
            values |= draws.at(stage.rate_factor)
            if part.before is None:
                values["S"] = np.ascontiguousarray(inputs[:, self.meeting.own(0)], stage.spec.precision)
            elif stage.normalization is not None:
                stage.normalization.apply.run({"X": values["X"], "S": part.normalized})
                values["S"][...] = part.normalized[:, self.meeting.own(stage.index)]
            if stage.draws(training=training):
                stage.chain.draw.run(values | {"lane": draws.lanes[0], "position": draws.positions[0]})
            stage.run(code.forward if training else code.predict, values)
            if training and way is not None and stage.runs_bias and code.bias_forward:
                stage.run(code.bias_forward, values | way.bias)
            self.meeting.gather(stage.index, [part.arrays["O"][:, 1:]], [part.outputs[:, 1:]])
        return self.parts[-1].outputs

    def _enter(self, examples: int) -> None:
        changed = [part.enter(examples) for part in self.parts]
        if any(changed):
            for way in self.ways:
                if way is not None:
                    way.enter(examples)

    def backward(self, targets: Matrix, draws: Draws, sink: Sink, weights: NDArray[np.float32] | None = None) -> float:
        """Run all layers backward, on what `forward` left; pushes go to the sink. Returns the sum of the costs.

        Args:
            targets: shape (b, output units).
            draws: counters and key; those of `forward`.
            sink: receives the pushes.
            weights: what each example's cost counts, shape (b,); None: 1.
        """
        last, count = self.parts[-1], len(self.parts)
        cost = self.passes.cost
        gradient, counting = np.empty_like(targets), self.passes.counting(weights, len(targets))
        if self.passes.spec.fused:
            loss = self.passes.loss(last.outputs, targets, weights)
            count -= 1
            outputs = {"outputs": last.outputs[:, 1:], "targets": targets, "G": gradient}
            last.stage.chain.difference.run(outputs)
            if weights is not None:
                last.stage.chain.weigh.run({"G": gradient, "W": counting})
        else:
            loss = cost.gradient.run({"O": last.outputs, "T": targets, "W": counting, "G": gradient})
        changes = self.states.changes(draws.positions, draws.total, sink)
        for part, way in reversed(list(zip(self.parts[:count], self.ways[:count], strict=True))):
            if way is not None:
                way.backward(draws, sink, changes[part.stage.index])
            else:
                self._alone(part, draws, changes[part.stage.index], gradient)
            if part.stage.normalization is not None:
                gradient = self._through_normalization(part)
        left = [part.arrays for part in self.parts]
        self.states.make(left, [part.stored for part in self.parts], changes, sink)
        return float(loss)

    def _alone(self, part: LayerShare, draws: Draws, changes: dict[str, Any], gradient: Matrix) -> None:
        """One layer before which no weights stand: its neurons get one message each.

        Args:
            part: the layer's share.
            draws: those of the batch.
            changes: where changes of states go.
            gradient: the messages of all its neurons.
        """
        code, values = part.stage.code, part.forward | draws.at(part.stage.rate_factor) | changes
        values["G"][...] = gradient[:, self.meeting.own(part.stage.index)]
        part.stage.run(code.push if part.before is None else code.backward, values)

    def _through_normalization(self, part: LayerShare) -> Matrix:
        """∂cost/∂output of the layer before a normalization, of all its neurons."""
        assert part.stage.normalization is not None
        deltas, gradient = np.empty_like(part.normalized), np.empty_like(part.normalized)
        self.meeting.gather(part.stage.index, [part.arrays["B"]], [deltas])
        values = {"X": part.forward["X"], "S": part.normalized, "D": deltas, "G": gradient}
        part.stage.normalization.backward.run(values)
        return gradient
