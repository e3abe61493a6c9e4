"""Forward and backward through a chain of layers: whose operations, in which order, and what goes between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...engine import Batch, Score
from ...scoring import count_correct, dense_targets
from ...spec import NetworkSpec
from ..emission.costs import cost_code
from ..operations.threads import allowed
from ..operations.watching import Watch, unwatched, watched
from ..operations.weights import WEIGHTS
from .draws import Draws
from .pushes import Pushes
from .sinks import Sink
from .stage import Matrix, Stage, View
from .states import States
from .through import Through


class Passes:
    """Runs the operations of a network.

    Args:
        spec: the network.
        watch: who looks on.
    """

    def __init__(self, spec: NetworkSpec, watch: Watch = unwatched) -> None:
        self.spec = spec
        self.stages: list[Stage] = []
        threads = allowed()
        for index in range(len(spec.layers)):
            self.stages.append(Stage(spec, index, self.stages[-1] if self.stages else None, threads, watch))
        self.through = [self._through(stage, watch) for stage in self.stages]
        self.cost = watched(cost_code(spec.cost, spec.precision.__name__), len(spec.layers) - 1, watch, "cost")
        self.weights = {block.layer: watched(WEIGHTS, block.layer - 1, watch, "weights") for block in spec.blocks}
        self._ones = np.ones(0, spec.precision)
        self.states = States(spec, spec.states, [stage.code.analysis.kept for stage in self.stages], watch)
        self.pushes = Pushes(self.weights)

    def draws_synapses(self, *, training: bool) -> bool:
        """True where synapses draw: then the examples of a pass share their draws."""
        return any(stage.draws(training=training) for stage in self.stages)

    def _through(self, stage: Stage, watch: Watch) -> Through | None:
        if not stage.code.analysis.through:
            return None
        receivers = self.stages[stage.index + 1].code
        return watched(Through.of(stage.code, receivers, first=stage.before is None), stage.index, watch, "backward")

    def train(self, view: View, inputs: Matrix, batch: Batch, draws: Draws, sink: Sink) -> Score:
        """Run a batch forward and backward; pushes go to the sink.

        Args:
            view: who takes part.
            inputs: the batch's, shape (b, features in the view).
            batch: the batch.
            draws: counters and key.
            sink: receives the pushes.
        """
        targets = dense_targets(batch.targets, self.spec.layers[-1].units, self.spec.precision)
        outputs = self.forward(view, inputs, draws, training=True)
        loss = self.backward(targets, draws, sink, batch.weights)
        return Score(loss, count_correct(outputs[:, 1:], targets), len(targets))

    def forward(self, view: View, inputs: Matrix, draws: Draws, *, training: bool) -> Matrix:
        """Run all layers; returns the last one's O, shape (b, 1 + units).

        Where synapses draw, all examples share the draws of the first (see `runs`).

        Args:
            view: who takes part.
            inputs: float32, shape (b, features in the view).
            draws: counters and key.
            training: which of the two kernels.
        """
        for stage in self.stages:
            stage.enter(view, len(inputs))
            values, code = stage.forward, stage.code
            values.update(draws.at(stage.rate_factor))
            if stage.before is None:
                values["S"] = inputs.astype(self.spec.precision, copy=False)
            elif stage.normalization is not None:
                stage.normalization.apply.run(values)
            if stage.draws(training=training):
                stage.chain.draw.run(values | {"lane": draws.lanes[0], "position": draws.positions[0]})
            stage.run(code.forward if training else code.predict, values)
            if training and code.bias_forward and stage.bias:
                stage.run(code.bias_forward, values | stage.bias)
        return self.stages[-1].arrays["O"]

    def loss(self, outputs: Matrix, targets: Matrix, weights: NDArray[np.float32] | None = None) -> float:
        """The sum of the costs.

        Args:
            outputs: what `forward` gave, shape (b, 1 + output units).
            targets: shape (b, output units).
            weights: what each example's cost counts, shape (b,); None: 1.
        """
        return float(self.cost.loss.run({"O": outputs, "T": targets, "W": self.counting(weights, len(targets))}))

    def counting(self, weights: NDArray[np.float32] | None, examples: int) -> NDArray[np.floating]:
        """What each example's cost counts, shape (examples,)."""
        if weights is not None:
            return weights.astype(self.spec.precision, copy=False)
        if len(self._ones) < examples:
            self._ones = np.ones(examples, self.spec.precision)
        return self._ones[:examples]

    def backward(self, targets: Matrix, draws: Draws, sink: Sink, weights: NDArray[np.float32] | None = None) -> float:
        """Run all layers backward, on what `forward` left; pushes go to the sink. Returns the sum of the costs.

        Args:
            targets: shape (b, output units).
            draws: counters and key; those of `forward`.
            sink: receives the pushes.
            weights: what each example's cost counts, shape (b,); None: 1.
        """
        stages = self.stages
        last = stages[-1].arrays
        if self.spec.fused:
            loss = self.loss(last["O"], targets, weights)
            stages = stages[:-1]
            gradient = stages[-1].arrays["G"]
            stages[-1].chain.difference.run({"outputs": last["O"][:, 1:], "targets": targets, "G": gradient})
            if weights is not None:
                stages[-1].chain.weigh.run({"G": gradient, "W": self.counting(weights, len(targets))})
        else:
            counting = self.counting(weights, len(targets))
            loss = self.cost.gradient.run({"O": last["O"], "T": targets, "W": counting, "G": last["G"]})
        after: Stage | None = None
        changes = self.states.changes(draws.positions, draws.total, sink)
        for stage in reversed(stages):
            stage.backward.update(draws.at(stage.rate_factor))
            stage.backward.update(changes[stage.index])
            self._backward(stage, after, draws, sink)
            after = stage
        left = [stage.arrays for stage in self.stages]
        self.states.make(left, [stage.stored for stage in self.stages], changes, sink)
        return float(loss)

    def _backward(self, stage: Stage, after: Stage | None, draws: Draws, sink: Sink) -> None:
        """One layer: from the deltas of the one after it to its own; without one, G is there already."""
        code, values, block = stage.code, stage.backward, stage.outgoing
        if after is not None:
            values["D"] = after.arrays["B"]
            if after.normalization is not None:
                own = {"X": stage.arrays["O"][:, 1:], "S": after.arrays["S"], "D": values["D"], "G": values["G"]}
                after.normalization.backward.run(own)
        through = self.through[stage.index]
        # True where kernels add to D.
        added = block is not None and (code.analysis.pushes == "loop" or through is not None)
        if block is not None and added:
            values["U"] = self.pushes.zeroed(block, sink)
        if after is None or through is None:
            self._own(stage)
        else:
            receivers = stage.given_to(after, draws.rates, draws.share)
            after.run(through.before, receivers)
            self._own(stage)
            after.run(through.after, receivers)
        if block is not None:
            self.pushes.push(stage, values, block, draws, sink, added=added)

    def _own(self, stage: Stage) -> None:
        """The class's own kernels; nobody needs the delta of the inputs."""
        code = stage.code
        stage.run(code.push if stage.before is None else code.backward, stage.backward)
        if code.bias_backward and stage.bias:
            stage.run(code.bias_backward, stage.backward | stage.bias)
