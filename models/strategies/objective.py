"""The cost of a replica's part of a batch as a function of the parameters: for line searches, L-BFGS and the like.

All random draws are counter-based: every evaluation of a step sees the same dropout masks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Engine, Rates


class Value(NamedTuple):
    """An evaluation: where, the cost, and its gradient."""

    point: NDArray[np.floating]
    loss: float
    gradient: NDArray[np.float32]


class Objective:
    """This replica's share of the mean cost of the job's batch: summed over all replicas it is that mean.

        loss(w) = (1/N) Σ cost(example, w) + (n/N)·λ/2·Σ w²,   over this part's n of the batch's N examples

    Args:
        engine: runs the network; its parameters are this replica's own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._batch: Batch | None = None
        self._rates = Rates(0, 1.0, 0.0)
        self._last: Value | None = None

    def begin(self, batch: Batch, rates: Rates) -> None:
        """A step begins, with this part of a batch; the arrays of it stay as they are until the next one."""
        self._batch, self._last = batch, None
        self._rates = Rates(rates.step, 1.0, 0.0)  # then what neurons push is the plain descent direction

    def loss(self, point: NDArray[np.floating]) -> float:
        """The cost at `point`. Evaluating again where it was evaluated last costs nothing.

        Raises:
            ValueError: of another shape, or before the first step.
        """
        return self._at(point).loss

    def gradient(self, point: NDArray[np.floating]) -> NDArray[np.float32]:
        """The gradient at `point`, a new array; likewise."""
        return self._at(point).gradient.copy()

    def _at(self, point: NDArray[np.floating]) -> Value:
        if self._batch is None:
            raise ValueError("ctx.loss and ctx.gradient are those of a batch: there is none before the first step")
        needed = self._engine.parameters.shape
        if np.shape(point) != needed:
            raise ValueError(
                f"ctx.loss and ctx.gradient take parameters like ctx.params, {needed}: got {np.shape(point)}"
            )
        if self._last is None or not np.array_equal(self._last.point, point):
            self._last = self._evaluate(self._batch, point.astype(self._engine.parameters.dtype))
        return self._last

    def _evaluate(self, batch: Batch, point: NDArray[np.floating]) -> Value:
        engine = self._engine
        update = np.zeros_like(engine.parameters)
        if not len(batch.inputs):
            return Value(point, 0.0, update)
        own = engine.parameters.copy()
        try:
            np.copyto(engine.parameters, point)
            score = engine.gradient(batch, self._rates, update)
        finally:
            np.copyto(engine.parameters, own)
        gradient = np.negative(update, out=update)
        gradient[engine.spec.parameter_count :] = 0.0
        share = len(batch.inputs) / batch.total
        return Value(point, score.loss / batch.total + self._regularize(point, gradient, share), gradient)

    def _regularize(self, point: NDArray[np.floating], gradient: NDArray[np.floating], share: float) -> float:
        """The regularization's share of the cost; its gradient is added to `gradient`."""
        factor = share * self._engine.spec.regularization
        if not factor:
            return 0.0
        squares = 0.0
        for block in (block for block in self._engine.spec.blocks if not block.frozen):
            weights = block.weights(point)
            squares += float(np.einsum("sr,sr->", weights, weights, dtype=np.float64))
            block.weights(gradient)[...] += factor * weights
        return factor / 2 * squares
