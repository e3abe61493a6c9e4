"""The plan of a `fit`: everything that all peers must agree on before the first step."""

from __future__ import annotations

from dataclasses import dataclass

from horn.neurons import NetworkSpec

from .batches import Order, Place, bounds
from .convergence import Convergence
from .schedules import ScheduleLike
from .strategies import SyncStrategy

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
        schedule: learning rate from progress and step.
        strategy: what becomes of the updates.
        order: which examples make up which batch.
        start: the place in the shuffle where this `fit` begins.
        first_step: number of training steps made before it.
        iterations: number of steps to make.
        workers: number of parts that each batch is split into.
        processes: number of processes.
        submodels: True draws dropout once per worker and batch.
        convergence: when to stop early, or None.
        validate_every: iterations between two looks at the validation examples; None: after each pass over the data.
    """

    spec: NetworkSpec
    engine: str
    seed: int
    momentum: float
    schedule: ScheduleLike
    strategy: SyncStrategy
    order: Order
    start: Place
    first_step: int
    iterations: int
    workers: int
    processes: int
    submodels: bool
    convergence: Convergence | None
    validate_every: int | None

    @property
    def one_copy(self) -> bool:
        """True where all peers share one copy of the parameters."""
        return self.strategy.properties.one_copy

    @property
    def peers(self) -> int:
        """One per process, which computes its workers as one batch; without `one_copy` one per worker."""
        return self.processes if self.one_copy else self.workers

    def own(self, peer: int) -> range:
        """The workers that a peer computes."""
        first = bounds(self.workers, self.peers)
        return range(first[peer], first[peer + 1])

    def shard(self, peer: int) -> tuple[int, int]:
        """The range of the parameters that a peer applies updates to: all of its own copy, or its part of the one."""
        if not self.one_copy:
            return 0, self.spec.size
        lines = bounds(-(-self.spec.size // FLOATS_PER_LINE), self.peers)
        start, stop = (min(FLOATS_PER_LINE * line, self.spec.size) for line in lines[peer : peer + 2])
        return start, stop
