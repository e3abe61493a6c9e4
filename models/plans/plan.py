"""The plan of a `fit`: everything that all peers must agree on before the first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Engine, NetworkSpec, Rates

from ..convergence import Convergence
from ..feeding.augmentation import Augment
from ..feeding.batches import Order, Place
from ..optimizers import Minimizer, Optimizer
from ..parts import SubModels, bounds
from ..schedules import ScheduleLike, rate_at
from ..strategies import AllReduce, SyncStrategy
from ..topology import Topology
from .holding import Holding, Layout, holding
from .updating import Updater, alone, seen_spec

#: Shards begin at multiples of a cache line: no two peers write to the same one.
FLOATS_PER_LINE = 16


@dataclass(frozen=True)
class Plan:
    """What a job is to do.

    Args:
        spec: the network.
        engine: name of the engine that runs its neurons.
        seed: the network's seed.
        momentum: the network's momentum.
        optimizer: makes the steps; None: the neurons.
        began: the step at which it began.
        schedule: learning rate from progress and step.
        strategy: what becomes of the updates.
        order: which examples make up which batch.
        start: the place in the shuffle where this `fit` begins.
        first_step: number of training steps made before it.
        iterations: number of steps to make.
        topology: who divides the work how.
        processes: number of processes that train.
        submodels: who draws masks, see `parts.SubModels`.
        convergence: when to stop early, or None.
        validate_every: iterations between two looks at the validation examples; None: after each pass over the data.
        skip_nonfinite: True leaves out of a step the workers whose loss or update is not finite; False ends training.
        timeout: seconds that a peer waits for others; None: as long as they live.
        augment: changes the inputs of a batch before they are computed, or None.
        prefetch: whether to gather batches ahead; None: where it pays.
    """

    spec: NetworkSpec
    engine: str
    seed: int
    momentum: float
    optimizer: Optimizer | Minimizer | None
    began: int
    schedule: ScheduleLike
    strategy: SyncStrategy
    order: Order
    start: Place
    first_step: int
    iterations: int
    topology: Topology
    processes: int
    submodels: SubModels
    convergence: Convergence | None
    validate_every: int | None
    skip_nonfinite: bool = False
    timeout: float | None = None
    augment: Augment | None = None
    prefetch: bool | None = None

    @property
    def shared_copy(self) -> bool:
        """True where all peers share one copy of the parameters."""
        return self.strategy.properties.one_copy and self.topology.is_flat

    @property
    def lone(self) -> bool:
        """True where one peer's sum is its own D, and it may make the step in fewer passes.

        A class derived from AllReduce is asked.
        """
        plain = self.optimizer is None and not self.skip_nonfinite
        return type(self.strategy) is AllReduce and self.peers == 1 and plain

    @property
    def borrows(self) -> bool:
        """True where workers hold no parameters: servers lend them those of their sub-models."""
        return bool(self.submodels) and self.strategy.properties.borrows and self.topology.tasks == 1

    @property
    def shared_updates(self) -> bool:
        """True where peers compute D in shared memory, for others to read it there.

        Not D of a sub-model, which is small: a row for the whole network would be more than its worker needs. Nor where
        an optimizer makes its step of D, in place.
        """
        pushed = bool(self.topology.servers) and self.strategy.properties.borrows
        return self.shared_copy or (pushed and not self.borrows and self.optimizer is None)

    def holding(self, task: int) -> Holding:
        """What a peer holds that is one of the topology's tasks."""
        spec = seen_spec(self.optimizer, self.spec)
        return holding(spec, self.engine, self.seed, task, self.topology.tasks)

    def updater(
        self,
        layout: Layout,
        engine: Engine,
        slots: Mapping[str, NDArray[np.float32]],
        total: Callable[[float], float] = alone,
    ) -> Updater:
        """What applies updates to an engine's parameters; see `Updater`."""
        optimizer = self.optimizer if isinstance(self.optimizer, Optimizer) else None
        return Updater(self.spec, layout, engine, optimizer, slots, self.began, total)

    @property
    def workers(self) -> int:
        """Number of parts that each batch is split into."""
        return self.topology.workers

    @property
    def trainers(self) -> int:
        """Peers that train: with a shared copy one per process, which computes its workers as one batch."""
        return self.processes if self.shared_copy else self.topology.trainers

    @property
    def peers(self) -> int:
        """All peers, the servers included."""
        return self.trainers + self.topology.servers

    @property
    def sizes(self) -> list[int]:
        """How many peers each process holds: a server has one of its own."""
        starts = bounds(self.trainers, self.processes)
        return [stop - start for start, stop in pairwise(starts)] + [1] * self.topology.servers

    def own(self, peer: int) -> range:
        """The workers that a peer computes."""
        if not self.shared_copy:
            worker = peer // self.topology.tasks
            return range(worker, worker + 1)
        first = bounds(self.workers, self.trainers)
        return range(first[peer], first[peer + 1])

    def called(self, peer: int) -> str:
        """What a peer is, for people."""
        if peer >= self.trainers:
            return f"server {peer - self.trainers}"
        own = self.own(peer)
        workers = f"worker {own.start}" if len(own) == 1 else f"workers {own.start}-{own.stop - 1}"
        return workers if self.topology.tasks == 1 else f"task {peer % self.topology.tasks} of {workers}"

    def shard(self, peer: int) -> tuple[int, int]:
        """The range of the one copy that a peer applies updates to, where all share it."""
        lines = bounds(-(-self.spec.size // FLOATS_PER_LINE), self.trainers)
        start, stop = (min(FLOATS_PER_LINE * line, self.spec.size) for line in lines[peer : peer + 2])
        return start, stop

    def rates(self, iteration: int) -> Rates:
        """Those of the step that an iteration of this `fit` makes."""
        step = self.first_step + iteration
        return Rates(step, rate_at(self.schedule, iteration / self.iterations, step), self.momentum)

    def within(self, part: int, worker: int) -> range:
        """The worker of a batch that a replica stands in for, when its group computes a part of that batch.

        Args:
            part: of the batch, one of as many as there are groups.
            worker: the replica.
        """
        replicas = self.topology.replicas
        stands_for = part * replicas + worker % replicas
        return range(stands_for, stands_for + 1)

    def looks(self) -> Looks:
        """When the validation examples are looked at while training, the last look left out."""
        return Looks(self.validate_every or self.order.batches)

    @property
    def in_step(self) -> bool:
        """True where all peers make every step together; else groups train asynchronously of each other."""
        return self.peers == 1 or (self.strategy.properties.synchronous and self.topology.groups == 1)


class Looks:
    """When it is time for the next look.

    Args:
        every: iterations between two.
    """

    def __init__(self, every: int) -> None:
        self._every = self._next = every

    def due(self, iteration: int) -> bool:
        """Whether it is time, when so many iterations have begun; the next time is a later one then."""
        if iteration < self._next:
            return False
        self._next = (iteration // self._every + 1) * self._every
        return True
