"""One peer's replica of the network: it computes D of its parts of batches, and lets the strategy exchange it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from horn.neurons import Batch, Rates, Score

from ..feeding.examples import Examples
from ..plans.plan import Plan
from ..plans.workspace import Workspace
from ..servers import Servers
from ..strategies import Context
from .crew import Crew
from .hooks import Hooks
from .supplies import new_supply


class Replica(ABC):
    """What a peer trains.

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
        hooks: calls the strategy.
        context: what the strategy sees.
        skipped: how many of this peer's workers were left out of the last step, as their part was not finite.
    """

    context: Context

    def __init__(
        self, index: int, crew: Crew, hooks: Hooks, plan: Plan, workspace: Workspace, servers: Servers | None
    ) -> None:
        self.hooks = hooks
        self.part = (index, plan.trainers) if plan.shared_copy else (plan.own(index).start, plan.workers)
        self.speaks = crew.role.task == 0
        self.feed = new_supply(plan, workspace.examples, index)
        self._plan, self._servers = plan, servers

    @property
    @abstractmethod
    def skipped(self) -> int: ...

    def begin(self) -> None:
        """Before the first step."""
        self.hooks.setup(self.context)

    def finish(self) -> None:
        """After the last step."""
        self.hooks.finish(self.context)

    @abstractmethod
    def step(self, batch: Batch, rates: Rates, epoch: int) -> Score:
        """Make a step with a part of a batch, up to the change of the parameters.

        Args:
            batch: the part.
            rates: those of the step.
            epoch: the pass over the data.

        Raises:
            TrainingDiverged: the loss of the part is not finite, and training is to stop then.
        """

    @abstractmethod
    def limit_norms(self, part: int, parts: int) -> None:
        """Scale down weights, as `horn.neurons.Engine.limit_norms`."""

    @abstractmethod
    def look(self, examples: Examples, part: int = 0, parts: int = 1) -> Score:
        """Score one of so many parts of examples, by the servers' parameters where there are servers."""

    @abstractmethod
    def hand_in(self, workspace: Workspace) -> None:
        """Put what nobody else has where the caller finds it, after the last step."""

    def close(self) -> None:
        """Let go of threads and files."""
        self.feed.close()

    def _enter(self, batch: Batch, rates: Rates, epoch: int) -> None:
        """Tell the strategy, and whoever pushes for it, which step begins."""
        context = self.context
        self.hooks.step = context.step = rates.step
        context.epoch, context.lr = epoch, rates.learning_rate
        context.weight, context.total = len(batch.inputs), batch.total
        if self._servers is not None:
            self._servers.begin(rates, context.weight / context.total)
