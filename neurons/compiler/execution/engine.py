"""The compiled engine: `Engine` on kernels and BLAS."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from ... import norms, random
from ...engine import Batch, Engine, Rates, Score
from ...scoring import count_correct, dense_targets
from ...spec import NetworkSpec
from ..analysis.compatibility import check_pushes_through, check_training
from ..operations.operation import Pass
from ..operations.watching import Place, Watch, unwatched
from ..operations.work import Work
from .applying import Applying
from .draws import Draws
from .parts import CompiledParts
from .passes import Passes
from .runs import runs, sum_of_runs
from .sinks import Apply, Collect
from .stage import View
from .submodel import SubModels
from .warm import warm_up

_LIMIT_NORMS = Pass(
    "limit_norms", norms.limit_norms, ("blocks", "limit", "parameters", "part", "parts"), "parameters",
    Work(2), ("parameters",),
)  # fmt: skip
_STILL = Rates(0, 0.0, 0.0)


class Compiled(Engine):
    """Runs the neurons of a network as compiled kernels and matrix products. See `Engine`.

    Args:
        spec, parameters, previous, seed, training: as for every engine.
        watch: who looks on.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        parameters: NDArray[np.float32],
        previous: NDArray[np.float32],
        *,
        seed: int,
        training: bool = True,
        watch: Watch = unwatched,
    ) -> None:
        super().__init__(spec, parameters, previous, seed=seed, training=training)
        if training:
            check_training(spec)
            check_pushes_through(spec)
        self.passes = Passes(spec, watch)
        self.view = self._whole()
        self.submodels = SubModels(self.passes, self.view)
        self.keys = random.key(seed, random.TRAIN), random.key(seed, random.PREDICT)
        self.norms = watch(Place(len(spec.layers) - 1, "weights"), _LIMIT_NORMS)
        #: Held while the network is asked: several threads may ask one engine, which has one set of buffers.
        self.asked = threading.Lock()
        self.apply_sink = Apply(self.passes.weights, parameters, previous)
        self.applying = Applying(self.passes, spec.blocks, spec.states, parameters, previous)

    @classmethod
    def of_parts(cls, spec: NetworkSpec, *, seed: int) -> CompiledParts:
        return CompiledParts(spec, seed=seed)

    @classmethod
    def prepare(cls, spec: NetworkSpec, *, training: bool = True) -> None:
        warm_up(cls, spec, training)

    def _whole(self) -> View:
        parameters, previous = self.spec.matrices(self.parameters), self.spec.matrices(self.previous)
        blocks = [self.spec.block_into(index) for index in range(len(self.spec.layers))]
        return View(
            list(self.spec.ids),
            [parameters[block] if block else None for block in blocks],
            [previous[block] if block else None for block in blocks],
            self.passes.states.stored(parameters),
        )

    # Prediction --------------------------------------------------------------------------------------------------

    def predict(self, inputs: NDArray[np.float32], *, first: int = 0) -> NDArray[np.float32]:
        with self.asked:
            return self._outputs(inputs, first)[:, 1:].copy()

    def score(self, inputs: NDArray[np.float32], targets: NDArray[np.generic], *, first: int = 0) -> Score:
        dense = dense_targets(targets, self.spec.layers[-1].units, self.spec.precision)
        with self.asked:
            outputs = self._outputs(inputs, first)
            return Score(self.passes.loss(outputs, dense), count_correct(outputs[:, 1:], dense), len(inputs))

    def _outputs(self, inputs: NDArray[np.float32], first: int) -> NDArray[np.float32]:
        if not self.passes.draws_synapses(training=False) or len(inputs) == 1:
            return self._outputs_together(inputs, first)
        outputs = np.empty((len(inputs), 1 + self.spec.layers[-1].units), self.spec.precision)
        for row in range(len(inputs)):
            outputs[row] = self._outputs_together(inputs[row : row + 1], first + row)[0]
        return outputs

    def _outputs_together(self, inputs: NDArray[np.float32], first: int) -> NDArray[np.float32]:
        positions = np.arange(first, first + len(inputs), dtype=np.uint32)
        draws = Draws(positions, positions, self.keys[1], _STILL, self.spec.precision)
        return self.passes.forward(self.view, inputs, draws, training=False)

    # Training ----------------------------------------------------------------------------------------------------

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.float32]) -> Score:
        if self.passes.draws_synapses(training=True):
            return sum_of_runs(self._gradient, batch, rates, out)
        return self._gradient(batch, rates, out)

    def _gradient(self, batch: Batch, rates: Rates, out: NDArray[np.float32]) -> Score:
        draws = Draws.of(batch, rates, self.keys[0], self.spec.precision)
        sub = self.submodels.choose(batch, draws)
        if sub is not None:
            return self.passes.train(sub.view, sub.inputs, batch, draws, sub.collect(out))
        sink = Collect(self.passes.weights, self.spec.matrices(out))
        return self.passes.train(self.view, batch.inputs, batch, draws, sink)

    def step(self, batch: Batch, rates: Rates) -> Score:
        if self.passes.draws_synapses(training=True) and len(runs(batch)) > 1:
            update = np.empty(self.spec.size, self.spec.precision)
            score = self.gradient(batch, rates, update)
            self.apply(update, rates, 0, self.spec.size)
        else:
            score = self._step(batch, rates)
        self.limit_norms(0, 1)
        return score

    def _step(self, batch: Batch, rates: Rates) -> Score:
        draws = Draws.of(batch, rates, self.keys[0], self.spec.precision)
        sub = self.submodels.choose(batch, draws)
        if sub is not None:
            sink = sub.apply(self.parameters, self.previous)
            return self.passes.train(sub.view, sub.inputs, batch, draws, sink)
        return self.passes.train(self.view, batch.inputs, batch, draws, self.apply_sink)

    def apply(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        self.applying.apply(update, rates, start, stop)

    def complete(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        self.applying.complete(update, rates, start, stop)

    def limit_norms(self, part: int, parts: int) -> None:
        if self.spec.max_norm is not None:
            blocks, limit = self.spec.blocks, self.spec.max_norm
            values = {"blocks": blocks, "limit": limit, "parameters": self.parameters, "part": part, "parts": parts}
            self.norms.run(values)
