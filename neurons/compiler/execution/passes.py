"""Forward and backward through a chain of layers: whose operations, in which order, and what goes between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine import Batch, Rates, Score
from ...scoring import count_correct, dense_targets
from ...spec import Block, NetworkSpec, Precision
from ..emission.costs import cost_code
from ..emission.pushing import PushTerm
from ..operations.threads import allowed
from ..operations.watching import Watch, unwatched, watched
from ..operations.weights import WEIGHTS
from .sinks import Sink, Term
from .stage import Matrix, Stage, View
from .states import States
from .through import Through


@dataclass(frozen=True)
class Draws:
    """The counters of a batch's draws: positions, lanes, step; the key; and what changes from step to step.

    `total` is the number of examples in the job's batch, `real` the type of the network's numbers. `nested`: as for
    `Batch`.
    """

    positions: NDArray[np.uint32]
    lanes: NDArray[np.uint32]
    key: tuple[np.uint32, np.uint32]
    rates: Rates
    real: Precision
    total: int = 1
    nested: bool = False

    @classmethod
    def of(cls, batch: Batch, rates: Rates, key: tuple[np.uint32, np.uint32], real: Precision) -> Draws:
        """Those of a batch while training."""
        return cls(batch.positions, batch.lanes, key, rates, real, batch.total, batch.nested)

    @property
    def share(self) -> float:
        """What one example counts in the mean over the job's batch."""
        return 1.0 / self.total

    @cached_property
    def values(self) -> dict[str, Any]:
        """What kernels take of it, by name."""
        rates, real = self.rates, self.real
        return {
            "positions": self.positions,
            "lanes": self.lanes,
            "nested": self.nested,
            "step": np.uint32(rates.step & 0xFFFFFFFF),
            "k0": self.key[0],
            "k1": self.key[1],
            "learning_rate": real(rates.learning_rate),
            "momentum": real(rates.momentum),
            "iteration": rates.step,
            "share": real(self.share),
        }

    def at(self, factor: float) -> dict[str, Any]:
        """The values, the learning rate times `factor`."""
        if factor == 1.0:
            return self.values
        return self.values | {"learning_rate": self.real(self.rates.times(factor).learning_rate)}


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
        self.states = States(spec, [stage.code.analysis.kept for stage in self.stages], watch)

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
        return float(self.cost.loss.run({"O": outputs, "T": targets, "W": self._counting(weights, len(targets))}))

    def _counting(self, weights: NDArray[np.float32] | None, examples: int) -> NDArray[np.floating]:
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
                stages[-1].chain.weigh.run({"G": gradient, "W": self._counting(weights, len(targets))})
        else:
            counting = self._counting(weights, len(targets))
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
            values["U"] = self._zeroed(block, sink)
        if after is None or through is None:
            self._own(stage)
        else:
            receivers = stage.given_to(after, draws.rates, draws.share)
            after.run(through.before, receivers)
            self._own(stage)
            after.run(through.after, receivers)
        if block is not None:
            self._push(stage, block, draws, sink, added=added)

    def _own(self, stage: Stage) -> None:
        """The class's own kernels; nobody needs the delta of the inputs."""
        code = stage.code
        stage.run(code.push if stage.before is None else code.backward, stage.backward)
        if code.bias_backward and stage.bias:
            stage.run(code.bias_backward, stage.backward | stage.bias)

    def _push(self, stage: Stage, block: Block, draws: Draws, sink: Sink, *, added: bool) -> None:
        """What a layer's class pushes goes to the sink; `added` says whether D holds something already."""
        if block.frozen:
            sink.skip(block)
            return
        code, values = stage.code, stage.backward
        coefficients = stage.coefficients(draws.rates)
        if code.analysis.pushes == "product" and not added:
            first = 0 if block.bias else 1
            terms = [Term(values[term.factors][:, first:], values[term.left]) for term in code.terms]
            sink.product(block, terms, draws.share, coefficients)
            return
        if not added:
            summed = any(term.out == "U" for term in code.terms)
            values["U"] = sink.matrix(block) if summed else self._zeroed(block, sink)
        for term in code.terms:
            self._add(term, block, values, added=added)
            added |= term.out == "U"
        stage.run(code.update, values)
        sink.loop(block, coefficients)

    def _zeroed(self, block: Block, sink: Sink) -> Matrix:
        """Where D goes, for kernels that add to it."""
        matrix = sink.matrix(block)
        self.weights[block.layer].zero.run({"update": matrix})
        return matrix

    def _add(self, term: PushTerm, block: Block, values: dict[str, Any], *, added: bool) -> None:
        """A product of a push that is more than products: to D, or kept for the pass that goes on.

        `added` says whether D holds something already.
        """
        factors = values[term.factors][:, 0 if block.bias else 1 :]
        beta, out = float(added and term.out == "U"), values[term.out][: block.rows]
        given = {"factors": factors, "deltas": values[term.left], "alpha": values["share"], "beta": beta}
        self.weights[block.layer].push.run(given | {"update": out})
