"""One peer's replica of the network, or its share of one: it computes D, lets the strategy exchange it, applies it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Rates, Score

from .crew import Crew
from .feeding import new_supply
from .hooks import Hooks
from .minimizing import Minimization, Site
from .objective import Objective
from .optimizers import Minimizer
from .plan import Plan
from .servers import Servers
from .soundness import Sound
from .strategies import Context, Replicas
from .streams import STRATEGY, generator
from .workspace import Workspace


class Replica:
    """What a peer that trains holds.

    Args:
        index: of the peer in the job.
        crew: the peers around it.
        hooks: calls the strategy.
        plan: what to do.
        workspace: the job's arrays.
        servers: those who hold its parameters, if the job has any.

    Attributes:
        part: which of the replicas it is, and of how many: (part, parts).
        speaks: whether it speaks for its replica, of whose tasks all have the same to say.
        feed: its parts of the batches.
        context: what the strategy sees.
        engine: runs the neurons.
        slots: what the optimizer keeps.
        hooks: calls the strategy.
    """

    def __init__(
        self,
        index: int,
        crew: Crew,
        hooks: Hooks,
        plan: Plan,
        workspace: Workspace,
        servers: Servers | None = None,
    ) -> None:
        self._plan, self.hooks = plan, hooks
        self._strategy = plan.strategy
        self.part = (index, plan.trainers) if plan.shared_copy else (plan.own(index).start, plan.workers)
        self.speaks = crew.role.task == 0
        self._holding = plan.holding(crew.role.task)
        parameters, previous, self.slots = workspace.parameters, workspace.previous, workspace.slots
        if plan.shared_copy:
            self.update: NDArray[np.floating] = workspace.updates[index]
            shard = plan.shard(index)
        else:
            parameters, previous = self._holding.take(parameters), self._holding.take(previous)
            self.slots = {name: self._holding.take_slot(slot) for name, slot in self.slots.items()}
            self.update = np.zeros(self._holding.layout.size, plan.spec.precision)
            shard = 0, len(parameters)
        self.engine = self._holding.engine(parameters, previous, crew.tasks)
        self.feed = new_supply(plan, workspace.examples, index)
        self._sound = Sound(self.engine, plan, plan.own(index), crew.tasks)
        alone = plan.topology.tasks == 1 and not plan.shared_copy
        self._objective = Objective(self.engine) if alone else None
        self.context = Context(
            parameters,
            previous,
            shard,
            Replicas(crew.holders, workspace.updates, shard),
            Replicas(crew.group, workspace.updates[:0], shard),
            Replicas(crew.trainers, workspace.updates[:0], shard),
            generator(plan.seed, STRATEGY, index),
            slots=self.slots,
            _servers=servers,
            _objective=self._objective,
        )
        holders = crew.holders if plan.shared_copy else crew.tasks  # of the other shards
        self._updater = plan.updater(
            self._holding.layout, self.engine, self.slots, lambda value: float(holders.allreduce(np.float64(value)))
        )
        self._minimization = self._minimizing()

    def _minimizing(self) -> Minimization | None:
        if not isinstance(self._plan.optimizer, Minimizer):
            return None
        joint = self._strategy.properties.serial_equivalent
        site = Site(self.engine, self.context.replicas, self.context.shard, joint)
        return Minimization(self._plan.optimizer, site)

    @property
    def skipped(self) -> int:
        """How many of this peer's workers were left out of the last step, as their part was not finite."""
        return self._sound.skipped

    def begin(self) -> None:
        """Before the first step."""
        self.hooks.setup(self.context)

    def finish(self) -> None:
        """After the last step."""
        self.hooks.finish(self.context)

    def step(self, batch: Batch, rates: Rates, epoch: int) -> Score:
        """Make a step with a part of a batch, up to the change of the parameters.

        Args:
            batch: the part.
            rates: those of the step.
            epoch: the pass over the data.
        """
        context = self.context
        self.hooks.step = context.step = rates.step
        context.epoch, context.lr = epoch, rates.learning_rate
        context.weight, context.total = len(batch.inputs), batch.total
        if self._objective is not None:
            self._objective.begin(batch, rates)
        if context._servers is not None:
            context._servers.begin(rates, context.weight / context.total)
        self.hooks.before_step(context)
        if self._minimization is not None:
            return self._sound.minimized(self._minimization.step(batch, rates), rates)
        score = self._sound.gradient(batch, rates, self.update)
        change = self.hooks.on_update(context, self.update)
        if change is not None:
            self._apply(change, rates)
        return score

    def close(self) -> None:
        """Let go of threads and files."""
        self.feed.close()

    def hand_in(self, workspace: Workspace) -> None:
        """Put replica 0's parameters where the caller finds them, unless servers or all peers share them."""
        if self.part[0] == 0 and not (self._plan.shared_copy or self._plan.topology.servers):
            self._holding.put(self.engine.parameters, workspace.parameters)
            self._holding.put(self.engine.previous, workspace.previous)
            for name, slot in self.slots.items():
                self._holding.put_slot(slot, workspace.slots[name])

    def _apply(self, change: NDArray[np.floating], rates: Rates) -> None:
        start, stop = self.context.shard
        if np.shape(change) != (stop - start,):
            raise ValueError(
                f"{type(self._strategy).__name__}.on_update returned shape {np.shape(change)}: needed is what to "
                f"apply to ctx.shard, shape ({stop - start},), or None"
            )
        change = np.ascontiguousarray(change, self._plan.spec.precision)
        if self._strategy.properties.local_steps or not self._plan.topology.servers:
            self._updater.apply(change, rates, start, stop)
        elif self._plan.optimizer is None:  # momentum and decay are the servers'
            self.context.params[start:stop] += change
        else:  # so is the optimizer: until its parameters are pulled, a worker goes on by plain descent
            self.context.params[start:stop] += self._plan.spec.precision(rates.learning_rate) * change
