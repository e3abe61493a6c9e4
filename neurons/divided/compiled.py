"""The compiled engine of one task: `DividedEngine` on kernels and BLAS.

Sub-models are not computed compactly here: a mask that holds for a whole batch changes what is drawn, and nothing else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import norms, random
from ..compiler.analysis.compatibility import check_pushes_through, check_training
from ..compiler.execution.applying import Applying
from ..compiler.execution.draws import Draws
from ..compiler.execution.engine import Compiled
from ..compiler.execution.passes import Passes
from ..compiler.execution.runs import runs, sum_of_runs
from ..compiler.execution.sinks import Apply, Collect
from ..engine import Batch, PartEngine, Rates, Score
from ..scoring import count_correct, dense_targets
from ..spec import NetworkSpec
from .engine import DividedEngine
from .exchange import Exchange
from .passes import DividedPasses
from .share import Share

_STILL = Rates(0, 0.0, 0.0)


class DividedCompiled(DividedEngine):
    """Runs one task's neurons as compiled kernels and matrix products. See `DividedEngine` for the arguments."""

    def __init__(
        self,
        share: Share,
        exchange: Exchange,
        parameters: NDArray[np.floating],
        previous: NDArray[np.floating],
        *,
        seed: int,
        training: bool = True,
    ) -> None:
        super().__init__(share, exchange, parameters, previous, seed=seed, training=training)
        if training:
            check_training(share.spec)
            check_pushes_through(share.spec)
        self.passes = Passes(share.spec)
        self.divided = DividedPasses(self.passes, share, self.meeting, (parameters, previous), training=training)
        self.keys = random.key(seed, random.TRAIN), random.key(seed, random.PREDICT)
        self.apply_sink = Apply(self.passes.weights, parameters, previous)
        self.applying = Applying(self.passes, share.blocks, share.states, parameters, previous)

    @classmethod
    def of_parts(cls, spec: NetworkSpec, *, seed: int) -> PartEngine:
        return Compiled.of_parts(spec, seed=seed)

    @classmethod
    def prepare(cls, spec: NetworkSpec, *, training: bool = True) -> None:
        Compiled.prepare(spec, training=training)

    # Prediction --------------------------------------------------------------------------------------------------

    def predict(self, inputs: NDArray[np.float32], *, first: int = 0) -> NDArray[np.floating]:
        return self._outputs(inputs, first)[:, 1:].copy()

    def score(self, inputs: NDArray[np.float32], targets: NDArray[np.generic], *, first: int = 0) -> Score:
        dense = dense_targets(targets, self.spec.layers[-1].units, self.spec.precision)
        outputs = self._outputs(inputs, first)
        loss = self.passes.loss(outputs, dense)
        return Score(loss, count_correct(outputs[:, 1:], dense), len(inputs))

    def _outputs(self, inputs: NDArray[np.float32], first: int) -> NDArray[np.floating]:
        if not self.passes.draws_synapses(training=False) or len(inputs) == 1:
            return self._outputs_together(inputs, first)
        outputs = np.empty((len(inputs), 1 + self.spec.layers[-1].units), self.spec.precision)
        for row in range(len(inputs)):
            outputs[row] = self._outputs_together(inputs[row : row + 1], first + row)[0]
        return outputs

    def _outputs_together(self, inputs: NDArray[np.float32], first: int) -> NDArray[np.floating]:
        positions = np.arange(first, first + len(inputs), dtype=np.uint32)
        draws = Draws(positions, positions, self.keys[1], _STILL, self.spec.precision)
        return self.divided.forward(inputs, draws, training=False)

    # Training ----------------------------------------------------------------------------------------------------

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        if self.passes.draws_synapses(training=True):
            return sum_of_runs(self._gradient, batch, rates, out)
        return self._gradient(batch, rates, out)

    def _gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        sink = Collect(self.passes.weights, self.share.matrices(out))
        return self.divided.train(batch, self._draws(batch, rates), sink)

    def step(self, batch: Batch, rates: Rates) -> Score:
        if self.passes.draws_synapses(training=True) and len(runs(batch)) > 1:
            update = np.empty(self.share.size, self.spec.precision)
            score = self.gradient(batch, rates, update)
            self.apply(update, rates, 0, self.share.size)
        else:
            score = self.divided.train(batch, self._draws(batch, rates), self.apply_sink)
        self.limit_norms(0, 1)
        return score

    def _draws(self, batch: Batch, rates: Rates) -> Draws:
        return Draws.of(batch, rates, self.keys[0], self.spec.precision)

    def apply(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int) -> None:
        self.applying.apply(update, rates, start, stop)

    def complete(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int) -> None:
        self.applying.complete(update, rates, start, stop)

    def limit_norms(self, part: int, parts: int) -> None:
        norms.limit_norms(self.share.blocks, self.spec.max_norm, self.parameters, part, parts)
