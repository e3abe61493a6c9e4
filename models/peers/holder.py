"""A replica that holds its parameters: a copy of its own, a task's share of one, or the one copy that all share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Rates, Score

from ..evaluation import score_part
from ..feeding.examples import Examples
from ..optimizers import Minimizer
from ..plans.plan import Plan
from ..plans.workspace import Workspace
from ..servers import Servers
from ..strategies import Context, Replicas
from ..strategies.objective import Objective
from ..streams import STRATEGY, generator
from .crew import Crew
from .hooks import Hooks
from .minimizing import Minimization, Site
from .replica import Replica
from .soundness import Sound, divergence


class Holder(Replica):
    """Trains the parameters that it holds; see `Replica`."""

    def __init__(
        self,
        index: int,
        crew: Crew,
        hooks: Hooks,
        plan: Plan,
        workspace: Workspace,
        servers: Servers | None = None,
    ) -> None:
        super().__init__(index, crew, hooks, plan, workspace, servers)
        self._holding = plan.holding(crew.role.task)
        parameters, previous, self._slots = workspace.parameters, workspace.previous, workspace.slots
        shard = plan.shard(index) if plan.shared_copy else (0, self._holding.layout.size)
        if not plan.shared_copy:
            parameters, previous = self._holding.take(parameters), self._holding.take(previous)
            self._slots = {name: self._holding.take_slot(slot) for name, slot in self._slots.items()}
        own = np.zeros(self._holding.layout.size, plan.spec.precision)
        self._update: NDArray[np.floating] = workspace.updates[index] if plan.shared_copy else own
        self._engine = self._holding.engine(parameters, previous, crew.tasks)
        self._sound = Sound(self._engine, plan, plan.own(index), crew.tasks)
        alone = plan.topology.tasks == 1 and not plan.shared_copy
        self._objective = Objective(self._engine) if alone else None
        self.context = Context(
            parameters,
            previous,
            shard,
            Replicas(crew.holders, workspace.updates if plan.shared_copy else workspace.updates[:0], shard),
            Replicas(crew.group, workspace.updates[:0], shard),
            Replicas(crew.trainers, workspace.updates[:0], shard),
            generator(plan.seed, STRATEGY, index),
            slots=self._slots,
            _servers=servers,
            _objective=self._objective,
        )
        holders = crew.holders if plan.shared_copy else crew.tasks  # of the other shards
        self._updater = plan.updater(
            self._holding.layout, self._engine, self._slots, lambda value: float(holders.allreduce(np.float64(value)))
        )
        self._minimization = self._minimizing()

    def _minimizing(self) -> Minimization | None:
        if not isinstance(self._plan.optimizer, Minimizer):
            return None
        joint = self._plan.strategy.properties.serial_equivalent
        site = Site(self._engine, self.context.replicas, self.context.shard, joint)
        return Minimization(self._plan.optimizer, site)

    @property
    def skipped(self) -> int:
        return self._sound.skipped

    def step(self, batch: Batch, rates: Rates, epoch: int) -> Score:
        if self._plan.lone:  # in fewer passes
            score = self._engine.step(batch, rates)
            if not math.isfinite(score.loss):
                raise divergence(self._plan, rates, self._plan.own(0))
            return score
        self._enter(batch, rates, epoch)
        if self._objective is not None:
            self._objective.begin(batch, rates)
        self.hooks.before_step(self.context)
        if self._minimization is not None:
            return self._sound.minimized(self._minimization.step(batch, rates), rates)
        update = self._update if self._servers is None else self._servers.room_for(self._update)
        score = self._sound.gradient(batch, rates, update)
        change = self.hooks.on_update(self.context, update)
        if change is not None:
            self._apply(change, rates)
        return score

    def limit_norms(self, part: int, parts: int) -> None:
        self._engine.limit_norms(part, parts)

    def look(self, examples: Examples, part: int = 0, parts: int = 1) -> Score:
        if self._servers is None:
            return score_part(self._engine, examples, part, parts)
        kept = self._engine.parameters.copy()
        self._servers.pull_latest(self._engine.parameters)
        score = score_part(self._engine, examples, part, parts)
        np.copyto(self._engine.parameters, kept)
        return score

    def hand_in(self, workspace: Workspace) -> None:
        """Put replica 0's parameters where the caller finds them, unless servers or all peers share them."""
        if self.part[0] == 0 and not (self._plan.shared_copy or self._plan.topology.servers):
            self._holding.put(self._engine.parameters, workspace.parameters)
            self._holding.put(self._engine.previous, workspace.previous)
            for name, slot in self._slots.items():
                self._holding.put_slot(slot, workspace.slots[name])

    def _apply(self, change: NDArray[np.floating], rates: Rates) -> None:
        start, stop = self.context.shard
        change = np.ascontiguousarray(change, self._plan.spec.precision)
        if self._plan.strategy.properties.local_steps or not self._plan.topology.servers:
            self._updater.apply(change, rates, start, stop)
        elif self._plan.optimizer is None:  # momentum and decay are the servers'
            self.context.params[start:stop] += change
        else:  # so is the optimizer: until its parameters are pulled, a worker goes on by plain descent
            self.context.params[start:stop] += self._plan.spec.precision(rates.learning_rate) * change
