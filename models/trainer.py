"""The training loop: the program of every peer of a job, and of the calling process where there is one worker.

One step of a job whose peers share one copy of the parameters (AllReduce) takes two barriers:

    gather part of batch → forward, backward: D → [all D complete] → sum and apply one shard → [parameters complete]

Where each replica has its own copy, the strategy exchanges what it likes, and one barrier ends the step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Rates, Score, engine_named

from .batches import Feed, Place
from .convergence import ConvergenceCheck
from .evaluation import score_part
from .history import Evaluation, History
from .plan import Plan
from .recorder import Recorder
from .schedules import rate_at
from .strategies import AllReduce, Context, Replicas, Team
from .streams import STRATEGY, generator
from .workspace import STEP_SLOTS, VALIDATION_SLOT, Workspace

#: Why training ended.
COMPLETED, CONVERGED, DIVERGED, INTERRUPTED = "completed", "converged", "diverged", "interrupted"


@dataclass(frozen=True)
class Outcome:
    """What a finished job says; its parameters lie in the workspace.

    Attributes:
        history: the course of the training.
        place: the place in the shuffle where the next `fit` begins.
    """

    history: History
    place: Place


class Trainer:
    """One peer's training.

    Args:
        team: the peers of the job.
        plan: what to do.
        workspace: the job's arrays.
    """

    def __init__(self, team: Team, plan: Plan, workspace: Workspace) -> None:
        self.team, self.plan, self.workspace = team, plan, workspace
        self.place = plan.start
        self.parameters, self.previous = workspace.parameters, workspace.previous
        if plan.one_copy:
            self.update = workspace.updates[team.index]
        else:
            self.parameters, self.previous = self.parameters.copy(), self.previous.copy()
            self.update = np.zeros(plan.spec.size, plan.spec.precision)
        self.engine = engine_named(plan.engine)(plan.spec, self.parameters, self.previous, seed=plan.seed)
        self.feed = Feed(workspace.examples, plan.order, plan.workers, plan.own(team.index), plan.submodels)
        self.convergence = ConvergenceCheck(plan.convergence) if plan.convergence else None
        self.context = self._context()
        # one peer's sum is its own D: then the step is made in fewer passes. A class derived from AllReduce is asked
        self.alone = type(plan.strategy) is AllReduce and team.num_peers == 1

    def _context(self) -> Context:
        plan, team = self.plan, self.team
        shard = plan.shard(team.index)
        replicas = Replicas(team, self.workspace.updates, shard)
        return Context(
            self.parameters, self.previous, shard, replicas, team, generator(plan.seed, STRATEGY, team.index)
        )

    def run(self) -> Outcome:
        """Train until the plan is done, the loss has converged or is not finite, or the team is asked to stop."""
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows ends in a loss that is not finite
            return self._run()

    def _run(self) -> Outcome:
        self.plan.strategy.setup(self.context)
        self.recorder = Recorder(self.team, self.plan.first_step)
        stopped = None
        for iteration in range(self.plan.iterations):
            stopped = self._iterate(iteration)
            if self.place.offset == 0:
                self.plan.strategy.on_epoch(self.context)
            self.recorder.metrics(self.context.metrics)
            if stopped:
                break
            if self._validation_due(iteration + 1):
                self._validate()
        if stopped == CONVERGED:
            self._validate()
        self.recorder.report()
        self.recorder.history.stopped = stopped or COMPLETED
        self._hand_in()
        return Outcome(self.recorder.history, self.place)

    def _iterate(self, iteration: int) -> str | None:
        """Make one step; the reason to stop after it, if there is one: the same in all peers."""
        plan, context = self.plan, self.context
        step = plan.first_step + iteration
        rates = Rates(step, rate_at(plan.schedule, iteration / plan.iterations, step), plan.momentum)
        batch = self.feed.batch(self.place, step)
        context.step, context.epoch, context.lr = step, self.place.epoch, rates.learning_rate
        context.weight = len(batch.inputs)
        plan.strategy.before_step(context)
        score = self._step(batch, rates)
        stopping = self.team.stopping  # decided at the barrier just passed: the same for all
        plan.strategy.after_step(context)
        self.place = plan.order.after(self.place)
        result = self._total(score, step % STEP_SLOTS)
        self.recorder.step(result, rates.learning_rate)
        if not math.isfinite(result.loss):
            return DIVERGED
        if self.convergence and self.convergence.converged(result.loss):
            return CONVERGED
        return INTERRUPTED if stopping else None

    def _step(self, batch: Batch, rates: Rates) -> Score:
        """Compute D, let the strategy exchange it, apply what it returns; ends with a barrier."""
        if self.alone:
            return self.engine.step(batch, rates)
        plan, team, context = self.plan, self.team, self.context
        score = self._gradient(batch, rates)
        self.workspace.scores[rates.step % STEP_SLOTS, team.index] = score.loss, score.correct, score.examples
        change = plan.strategy.on_update(context, self.update)
        if change is not None:
            self._apply(change, rates)
        if plan.spec.max_norm is not None:
            self._limit_norms()
        team.sync()
        return score

    def _gradient(self, batch: Batch, rates: Rates) -> Score:
        if len(batch.inputs):
            return self.engine.gradient(batch, rates, self.update)
        self.update.fill(0.0)  # the last batch of a pass may have fewer examples than there are workers
        return Score(0.0, 0, 0)

    def _apply(self, change: NDArray[np.floating], rates: Rates) -> None:
        start, stop = self.context.shard
        if np.shape(change) != (stop - start,):
            raise ValueError(
                f"{type(self.plan.strategy).__name__}.on_update returned shape {np.shape(change)}: needed is what to "
                f"apply to ctx.shard, shape ({stop - start},), or None"
            )
        self.engine.apply(np.ascontiguousarray(change, self.plan.spec.precision), rates, start, stop)

    def _limit_norms(self) -> None:
        if not self.plan.one_copy:
            self.engine.limit_norms(0, 1)
            return
        self.team.sync()  # a receiver's weights lie in several shards
        self.engine.limit_norms(self.team.index, self.team.num_peers)

    def _total(self, score: Score, slot: int) -> Evaluation:
        """Loss and accuracy over all peers, whose scores lie in `slot`."""
        if self.alone:
            return Evaluation(score.loss / score.examples, score.correct / score.examples)
        loss, correct, examples = self.workspace.scores[slot].sum(axis=0).tolist()
        return Evaluation(loss / examples, correct / examples)

    def _validation_due(self, done: int) -> bool:
        if done == self.plan.iterations:
            return True
        every = self.plan.validate_every
        return done % every == 0 if every else self.place.offset == 0

    def _validate(self) -> None:
        """Score the validation examples, each peer its share."""
        if self.workspace.validation is None:
            return
        score = score_part(self.engine, self.workspace.validation, self.team.index, self.team.num_peers)
        scores = self.workspace.scores[VALIDATION_SLOT]
        scores[self.team.index] = score.loss, score.correct, score.examples
        self.team.sync()
        self.recorder.validation(self._total(score, VALIDATION_SLOT))

    def _hand_in(self) -> None:
        """Put replica 0's parameters where the caller finds them; one copy lies there already."""
        if not self.plan.one_copy and self.team.index == 0:
            np.copyto(self.workspace.parameters, self.parameters)
            np.copyto(self.workspace.previous, self.previous)
