"""Training asynchronously: each group of workers takes the next part of the work when it is ready for it.

There is no barrier of all. Each replica writes down what it does; the caller puts the notes together to a history.
"""

from __future__ import annotations

import time

from horn.neurons import Score

from ..feeding.batches import Place
from ..plans.plan import Plan
from ..plans.workspace import Workspace
from ..servers import Servers
from ..watching.history import ValidationRecord
from ..watching.notes import Notes
from ..watching.recorder import REPORT_EVERY, Report, Reporter
from .replica import Replica
from .watch import Watch
from .work import Work


class Free:
    """One peer's training.

    Args:
        peer: tells the caller, where it is the job's first.
        replica: what it holds.
        work: what it is to do.
        plan: what all do.
        workspace: the job's arrays.
        servers: those who hold its parameters, if the job has any.
        watch: takes the times.
    """

    def __init__(
        self,
        peer: Reporter,
        replica: Replica,
        work: Work,
        plan: Plan,
        workspace: Workspace,
        servers: Servers | None,
        watch: Watch,
    ) -> None:
        self._peer, self._replica, self._work, self._watch = peer, replica, work, watch
        self._plan, self._workspace, self._servers = plan, workspace, servers
        self._walk = plan.order.walk(plan.start)
        self._notes = Notes()
        self._start = self._reported = time.perf_counter()
        self._looks = plan.looks()

    def run(self) -> Notes:
        """Train until the work is done.

        Raises:
            TrainingDiverged: the loss of this replica's part of a batch is not finite.
        """
        self._replica.begin()
        epoch = self._plan.start.epoch
        self._watch.begin()
        while (part := self._work.next()) is not None:
            place = self._walk.place(part.iteration)
            if place.epoch > epoch:
                self._end_epoch()
                epoch = place.epoch
            self._look(part.iteration)
            score = self._step(part.iteration, place, part.part)
            self._watch.end(part.iteration, score)
            self._watch.begin()
        if not self._work.stopped and self._walk.place(self._plan.iterations).epoch > epoch:
            self._end_epoch()
        self._replica.finish()
        if self._servers is not None:
            self._servers.leave()
        return self._notes

    def _end_epoch(self) -> None:
        self._replica.hooks.on_epoch(self._replica.context)

    def _step(self, iteration: int, place: Place, part: int) -> Score:
        plan, replica = self._plan, self._replica
        rates = plan.rates(iteration)
        batch = replica.feed.batch(place, rates.step, plan.within(part, replica.part[0]))
        score = replica.step(batch, rates, place.epoch)
        if plan.spec.max_norm is not None:
            replica.limit_norms(0, 1)
        replica.hooks.after_step(replica.context)
        if replica.speaks:
            self._note(iteration, score, rates.learning_rate)
        return score

    def _note(self, iteration: int, score: Score, rate: float) -> None:
        notes, now = self._notes, time.perf_counter()
        notes.steps.append((iteration, score.loss, score.correct, score.examples, now - self._start))
        notes.rates.append(rate)
        notes.skipped.extend([iteration] * self._replica.skipped)
        for name, value in self._replica.context.metrics.items():
            notes.metrics.setdefault(name, []).append((iteration + 1, float(value)))
        self._replica.context.metrics.clear()
        if now - self._reported >= REPORT_EVERY and score.examples:
            self._reported = now
            mean = score.loss / score.examples, score.correct / score.examples
            self._peer.progress(Report(iteration + 1, *mean, None))

    def _look(self, begun: int) -> None:
        """The first replica looks at the validation examples for all, when it is time.

        The last look, when all is done, is the caller's.
        """
        replica, examples = self._replica, self._workspace.validation
        if replica.part[0] or examples is None or not self._looks.due(begun):
            return
        score = replica.look(examples)
        seconds = time.perf_counter() - self._start
        means = score.loss / score.examples, score.correct / score.examples
        self._notes.validation.append(ValidationRecord(begun, *means, seconds))
        self._watch.begin()  # a look is no part of the step
