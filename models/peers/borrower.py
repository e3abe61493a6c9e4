"""A replica that holds no parameters: for each batch it borrows those of its sub-model from the servers.

Horn's parallel dropout with parameter servers: what a worker's mask leaves out it neither holds nor sends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Part, Rates, Score, engine_named

from ..evaluation import score_part
from ..feeding.examples import Examples
from ..plans.plan import Plan
from ..plans.updating import seen_rates, seen_spec
from ..plans.workspace import Workspace
from ..servers import Servers
from ..strategies import Context, Replicas
from ..streams import STRATEGY, generator
from .crew import Crew
from .hooks import Hooks
from .replica import Replica
from .soundness import Sound


class Borrower(Replica):
    """Trains sub-models that servers lend it; see `Replica`.

    The strategy sees a sub-model as if it were the network: ``ctx.params`` and D are compact (`horn.neurons.Part`), and
    another length in each step.
    """

    def __init__(
        self, index: int, crew: Crew, hooks: Hooks, plan: Plan, workspace: Workspace, servers: Servers
    ) -> None:
        super().__init__(index, crew, hooks, plan, workspace, servers)
        self._lender = servers
        self._spec = seen_spec(plan.optimizer, plan.spec)
        self._engine = engine_named(plan.engine).of_parts(self._spec, seed=plan.seed)
        self._part = Part.of_all(self._spec)
        # of which no more is ever touched than the largest part so far: the rest takes no memory
        self._params, self._update = (np.empty(self._spec.size, self._spec.precision) for _ in range(2))
        self._sound = Sound(self, plan, plan.own(index), crew.tasks)
        nothing = self._params[:0]
        self.context = Context(
            nothing,
            nothing,
            (0, 0),
            Replicas(crew.holders, workspace.updates[:0], (0, 0)),
            Replicas(crew.group, workspace.updates[:0], (0, 0)),
            Replicas(crew.trainers, workspace.updates[:0], (0, 0)),
            generator(plan.seed, STRATEGY, index),
            _servers=servers,
        )

    @property
    def skipped(self) -> int:
        return self._sound.skipped

    def step(self, batch: Batch, rates: Rates, epoch: int) -> Score:
        self._enter(batch, rates, epoch)
        if len(batch.inputs):
            self._part = self._engine.part(batch, seen_rates(self._plan.optimizer, rates))
        self._lender.borrow(self._part)
        size = self._part.size
        self.context.params, self.context.shard = self._params[:size], (0, size)
        self.hooks.before_step(self.context)
        score = self._sound.gradient(batch, rates, self._update[:size])
        change = self.hooks.on_update(self.context, self._update[:size])
        if change is not None:
            raise ValueError(
                f"{type(self._plan.strategy).__name__}.on_update returned an array to apply, and its worker holds no "
                "parameters: return None, or do not declare borrows=True in its properties"
            )
        return score

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        """D of the sub-model, by the parameters that were lent for it. See `horn.neurons.PartEngine.gradient`."""
        return self._engine.gradient(self._part, self.context.params, batch, rates, out)

    def limit_norms(self, part: int, parts: int) -> None:
        """Whoever holds the weights does that."""

    def look(self, examples: Examples, part: int = 0, parts: int = 1) -> Score:
        """By the whole network, which is there as long as the look takes."""
        parameters, previous = (np.zeros(self._spec.size, self._spec.precision) for _ in range(2))
        self._lender.pull_latest(parameters)
        engine = engine_named(self._plan.engine)
        whole = engine(self._spec, parameters, previous, seed=self._plan.seed, training=False)
        return score_part(whole, examples, part, parts)

    def hand_in(self, workspace: Workspace) -> None:
        """The servers do."""
