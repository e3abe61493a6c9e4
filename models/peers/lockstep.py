"""Training in step: all peers make every step together, as the program of a job, or alone in the calling process.

One step of a job whose peers share one copy of the parameters (AllReduce) takes two barriers:

    gather part of batch → forward, backward: D → [all D complete] → sum and apply one shard → [parameters complete]

Where each replica has its own copy, the strategy exchanges what it likes, and one barrier ends the step.
"""

from __future__ import annotations

import math

from horn.neurons import Batch, Rates, Score

from ..convergence import ConvergenceCheck
from ..plans.outcome import COMPLETED, CONVERGED, INTERRUPTED, Outcome
from ..plans.plan import Plan
from ..plans.workspace import STEP_SLOTS, VALIDATION_SLOT, Workspace
from ..strategies import Team
from ..watching.history import Evaluation
from ..watching.recorder import Recorder
from .replica import Replica
from .watch import Watch


class Lockstep:
    """One peer's training.

    Args:
        team: the peers that train.
        recorder: writes the history, in one of them.
        replica: what this one holds.
        plan: what to do.
        workspace: the job's arrays.
        watch: takes the times.
    """

    def __init__(
        self, team: Team, recorder: Recorder, replica: Replica, plan: Plan, workspace: Workspace, watch: Watch
    ) -> None:
        self.team, self.recorder, self.replica = team, recorder, replica
        self.plan, self.workspace, self.watch = plan, workspace, watch
        self.place = plan.start
        self.convergence = ConvergenceCheck(plan.convergence) if plan.convergence else None

    def run(self) -> Outcome:
        """Train until the plan is done, the loss has converged, or the team is asked to stop.

        Raises:
            TrainingDiverged: the loss of this peer's part of a batch is not finite.
        """
        self.replica.begin()
        stopped = None
        for iteration in range(self.plan.iterations):
            stopped = self._iterate(iteration)
            self.recorder.metrics(self.replica.context.metrics)
            if stopped:
                break
            if self._validation_due(iteration + 1):
                self._validate()
        self.replica.finish()
        if stopped in (None, CONVERGED):
            self._validate()
        self.recorder.report()
        self.recorder.history.stopped = stopped or COMPLETED
        return Outcome(self.recorder.history, self.place)

    def _iterate(self, iteration: int) -> str | None:
        """Make one step; the reason to stop after it, if there is one: the same in all peers."""
        plan = self.plan
        rates = plan.rates(iteration)
        slot = rates.step % STEP_SLOTS
        self.watch.begin()
        batch = self.replica.feed.batch(self.place, rates.step)
        score = self._step(batch, rates)
        stopping = self.team.stopping  # decided at the barrier just passed: the same for all
        self.replica.hooks.after_step(self.replica.context)
        self.place = self.replica.feed.after(self.place)
        if self.place.offset == 0:
            self.replica.hooks.on_epoch(self.replica.context)
        self.watch.end(iteration, score)
        result = self._total(score, slot)
        self.recorder.step(result, rates.learning_rate)
        self._tell_skipped(slot)
        if self.convergence and math.isfinite(result.loss) and self.convergence.converged(result.loss):
            return CONVERGED
        return INTERRUPTED if stopping else None

    def _step(self, batch: Batch, rates: Rates) -> Score:
        """Compute D, let the strategy exchange it, apply what it returns; ends with a barrier."""
        score = self.replica.step(batch, rates, self.place.epoch)
        if self.plan.lone:
            return score
        self._write(score, rates.step % STEP_SLOTS)
        if self.plan.spec.max_norm is not None:
            self._limit_norms()
        self.team.sync()
        return score

    def _limit_norms(self) -> None:
        if not self.plan.shared_copy:
            self.replica.limit_norms(0, 1)
            return
        self.team.sync()  # a receiver's weights lie in several shards
        self.replica.limit_norms(self.team.index, self.team.num_peers)

    def _write(self, score: Score, slot: int) -> None:
        """Put this peer's score where all find it; the tasks of a replica have the same."""
        if self.replica.speaks:
            row = score.loss, score.correct, score.examples, self.replica.skipped
            self.workspace.scores[slot, self.team.index] = row

    def _total(self, score: Score, slot: int) -> Evaluation:
        """Loss and accuracy over all peers, whose scores lie in `slot`."""
        if self.plan.lone:
            return Evaluation(score.loss / score.examples, score.correct / score.examples)
        loss, correct, examples, _ = self.workspace.scores[slot].sum(axis=0).tolist()
        if not examples:  # every part was left out
            return Evaluation(math.nan, math.nan)
        return Evaluation(loss / examples, correct / examples)

    def _tell_skipped(self, slot: int) -> None:
        """Count the workers that were left out of a step among its metrics."""
        if self.plan.skip_nonfinite:
            skipped = self.workspace.scores[slot, :, 3].sum()
            if skipped:
                self.replica.context.metrics["skipped"] = float(skipped)

    def _validation_due(self, done: int) -> bool:
        if done == self.plan.iterations:  # the last look comes after the strategy has brought the replicas together
            return False
        every = self.plan.validate_every
        return done % every == 0 if every else self.place.offset == 0

    def _validate(self) -> None:
        """Score the validation examples, each replica its share."""
        if self.workspace.validation is None:
            return
        part, parts = self.replica.part
        score = self.replica.look(self.workspace.validation, part, parts)
        self._write(score, VALIDATION_SLOT)
        self.team.sync()
        self.recorder.validation(self._total(score, VALIDATION_SLOT))
