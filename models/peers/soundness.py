"""Parts of batches whose loss or update is not finite: training stops and names the worker, or goes on without it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Rates, Score

from ..errors import TrainingDiverged
from ..parts import bounds
from ..plans.plan import Plan
from ..plans.updating import seen_rates
from ..strategies import Team

#: What a worker says of a part that it has not computed, or that is left out.
NOTHING = Score(0.0, 0, 0)


def divergence(plan: Plan, rates: Rates, workers: Sequence[int]) -> TrainingDiverged:
    """The error for a step whose loss is not finite.

    Args:
        plan: of the `fit`.
        rates: those of the step.
        workers: whose loss it is.
    """
    iteration = rates.step - plan.first_step
    seen = f"the loss of iteration {iteration} is not finite"
    if plan.workers > 1:
        seen += f" in worker{'s' if len(workers) > 1 else ''} {', '.join(map(str, workers))}"
    if iteration == 0:
        return TrainingDiverged(
            f"{seen}, before this fit has changed a weight: look in forward, activation and cost for a division by 0 "
            "and for exp, log or powers of large numbers, or in x for values far from 1; "
            'engine="interpreter" allows a breakpoint there'
        )
    return TrainingDiverged(seen + advice(plan, rates))


def advice(plan: Plan, rates: Rates) -> str:
    """What to do about weights that grow without bound, at these rates."""
    return (
        f", at learning rate {rates.learning_rate:.4g} and momentum {plan.momentum:.4g}: try a tenth of the "
        'rate, or max_norm=, or on_nonfinite="skip" for single bad examples; the network keeps its weights from before'
    )


class Computes(Protocol):
    """What computes D; see `horn.neurons.Engine.gradient`."""

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating], /) -> Score: ...


class Sound:
    """Computes D of one peer's parts of batches, and looks at what comes out.

    Args:
        engine: computes D.
        plan: what to do with a part that is not finite.
        own: the workers that this peer computes.
        tasks: the peers that it computes them together with: all of them leave out the same.

    Attributes:
        skipped: how many of them were left out of the last step.
    """

    def __init__(self, engine: Computes, plan: Plan, own: range, tasks: Team) -> None:
        self._engine, self._plan, self._own, self._tasks = engine, plan, own, tasks
        self.skipped = 0

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        """As `horn.neurons.Engine.gradient`; 0 for a part without examples, and for those that are left out.

        Raises:
            TrainingDiverged: the loss of a part is not finite, and training is to stop then.
        """
        self.skipped = 0
        if not len(batch.inputs):  # the last batch of a pass may have fewer examples than there are workers
            out.fill(0.0)
            return NOTHING
        seen = seen_rates(self._plan.optimizer, rates)
        score = self._engine.gradient(batch, seen, out)
        if not self._plan.skip_nonfinite:
            if not math.isfinite(score.loss):
                raise divergence(self._plan, rates, self._culprits(batch, seen))
            return score
        return score if self._is_sound(score, out) else self._sound_parts(batch, seen, out)

    def minimized(self, score: Score, rates: Rates) -> Score:
        """The score of a step that a minimizer has made, which leaves nothing out.

        Raises:
            TrainingDiverged: the loss is not finite.
        """
        if not math.isfinite(score.loss):
            raise divergence(self._plan, rates, list(self._own))
        return score

    def _culprits(self, batch: Batch, rates: Rates) -> list[int]:
        """The workers among this peer's whose loss is not finite; all of them, where that is so of their sum alone."""
        if len(self._own) == 1:
            return list(self._own)
        scratch = np.empty(self._plan.spec.size, self._plan.spec.precision)
        losses = {worker: self._engine.gradient(part, rates, scratch).loss for worker, part in self._parts(batch)}
        return [worker for worker, loss in losses.items() if not math.isfinite(loss)] or list(losses)

    def _is_sound(self, score: Score, update: NDArray[np.floating]) -> bool:
        # the sum of finite numbers is finite unless it overflows: one pass without a temporary where all is well
        sound = math.isfinite(score.loss) and (
            math.isfinite(np.sum(update, dtype=np.float64)) or bool(np.isfinite(update).all())
        )
        return bool(self._tasks.allreduce(int(sound), op="min"))

    def _sound_parts(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        """The same, worker by worker, without those whose part is not finite."""
        out.fill(0.0)
        total, update = NOTHING, np.empty_like(out)
        for _, part in self._parts(batch):
            score = self._engine.gradient(part, rates, update)
            if self._is_sound(score, update):
                out += update
                total += score
            else:
                self.skipped += 1
        return total

    def _parts(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """The workers' parts of a batch, those without examples left out."""
        if len(self._own) == 1:
            yield self._own.start, batch
            return
        starts = bounds(batch.total, self._plan.workers)
        for worker in self._own:
            start, stop = starts[worker] - starts[self._own.start], starts[worker + 1] - starts[self._own.start]
            if start < stop:
                yield worker, batch.part(start, stop)
