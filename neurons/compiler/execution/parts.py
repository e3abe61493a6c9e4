"""The compiled engine of a worker that holds no weights: `PartEngine` on kernels and BLAS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ... import random
from ...engine import Batch, PartEngine, Rates, Score
from ...part import Part
from ...spec import NetworkSpec
from ..analysis.compatibility import check_lent_weights, check_pushes_through, check_training
from ..operations.watching import Watch, unwatched
from .draws import Draws
from .passes import Passes
from .runs import sum_of_runs
from .sinks import Collect, Scratch
from .stage import View
from .submodel import Parts, ids_of, kept_inputs


class CompiledParts(PartEngine):
    """Computes D of parts of a network by compiled kernels and matrix products. See `PartEngine`.

    Args:
        spec, seed: as for every such engine.
        watch: who looks on.
    """

    def __init__(self, spec: NetworkSpec, *, seed: int, watch: Watch = unwatched) -> None:
        super().__init__(spec, seed=seed)
        check_training(spec)
        check_pushes_through(spec)
        check_lent_weights(spec)
        self.passes = Passes(spec, watch)
        self.parts = Parts(self.passes)
        self.inputs = Scratch(spec.precision)
        self.key = random.key(seed, random.TRAIN)

    def part(self, batch: Batch, rates: Rates) -> Part:
        return self.parts.of(batch, self._draws(batch, rates))

    def gradient(
        self, part: Part, weights: NDArray[np.floating], batch: Batch, rates: Rates, out: NDArray[np.floating]
    ) -> Score:
        def compute(run: Batch, rates: Rates, own: NDArray[np.floating]) -> Score:
            return self._gradient(part, weights, run, rates, own)

        if self.passes.draws_synapses(training=True):
            return sum_of_runs(compute, batch, rates, out)
        return compute(batch, rates, out)

    def _gradient(
        self, part: Part, weights: NDArray[np.floating], batch: Batch, rates: Rates, out: NDArray[np.floating]
    ) -> Score:
        matrices = part.matrices(weights)
        blocks = [self.spec.block_into(index) for index in range(len(self.spec.layers))]
        given = [matrices[block] if block else None for block in blocks]
        view = View(ids_of(part), given, [None] * len(blocks), self.passes.states.stored(matrices))
        inputs = batch.inputs if part.whole else kept_inputs(self.passes, batch, part, self.inputs)
        sink = Collect(self.passes.weights, part.matrices(out))
        return self.passes.train(view, inputs, batch, self._draws(batch, rates), sink)

    def _draws(self, batch: Batch, rates: Rates) -> Draws:
        return Draws.of(batch, rates, self.key, self.spec.precision)
