"""The arguments of `fit`, and the plan that they make."""

from __future__ import annotations

import os
from dataclasses import dataclass

from horn.bsp import ZooKeeper
from horn.bsp.placement import available_cores
from horn.neurons import divide

from ..checks import require_bound, require_choice, require_count, require_flag, require_submodels
from ..convergence import Convergence
from ..feeding.augmentation import Augment
from ..feeding.batches import Order
from ..optimizers import Minimizer, Optimizer
from ..parts import SubModels
from ..peers.minimizing import check_minimizer
from ..plans.plan import Plan
from ..plans.training_state import TrainingState
from ..schedules import ScheduleLike
from ..strategies import AllReduce, SyncStrategy
from ..topology import Topology


@dataclass(frozen=True)
class FitOptions:
    """The arguments of `NeuralNetwork.fit` beside the data; see there.

    Raises:
        TypeError, ValueError: an argument out of its range, or arguments that contradict each other.
        BSPError: `zookeeper` is no such address.
    """

    iterations: int | None
    epochs: int | None
    batch_size: int
    shuffle: bool
    sampling: str
    validate_every: int | None
    workers: int
    topology: Topology | None
    processes: int | None
    submodels: SubModels
    sync: SyncStrategy | None
    zookeeper: str | ZooKeeper | None
    barrier: str
    convergence: Convergence | None
    on_nonfinite: str
    verbose: int
    timeout: float | None
    blas_threads: int
    augment: Augment | None
    prefetch: bool | None
    tensorboard: str | os.PathLike[str] | None

    def __post_init__(self) -> None:
        if (self.iterations is None) == (self.epochs is None):
            seen = f"iterations={self.iterations} and epochs={self.epochs}"
            raise ValueError(f"fit needs exactly one of iterations (batches) and epochs (passes), got {seen}")
        for name in ("iterations", "epochs", "validate_every", "processes"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name))
        for name in ("batch_size", "workers", "blas_threads"):
            require_count(name, getattr(self, name))
        require_flag("shuffle", self.shuffle)
        require_submodels(self.submodels)
        if self.prefetch is not None:
            require_flag("prefetch", self.prefetch)
        if self.augment is not None and not callable(self.augment):
            raise TypeError(f"augment must be a function of (x, rng) or None, got {self.augment!r}")
        require_bound("timeout", self.timeout)
        if self.tensorboard is not None and not isinstance(self.tensorboard, str | os.PathLike):
            raise TypeError(f"tensorboard must be a folder for event files or None, got {self.tensorboard!r}")
        if self.zookeeper is not None:
            ZooKeeper.of(self.zookeeper)
        require_choice("barrier", self.barrier, ("auto", "direct", "zookeeper"))
        if self.barrier == "zookeeper" and self.zookeeper is None:
            raise ValueError('barrier="zookeeper" needs zookeeper="host:port,…"')
        require_choice("sampling", self.sampling, ("epoch", "replacement"))
        require_choice("on_nonfinite", self.on_nonfinite, ("stop", "skip"))
        if self.sync is not None and not isinstance(self.sync, SyncStrategy):
            raise TypeError(f"sync must be a SyncStrategy object such as AllReduce(), got {self.sync!r}")
        if self.convergence is not None and not isinstance(self.convergence, Convergence):
            raise TypeError(f"convergence must be Convergence(tol, window) or None, got {self.convergence!r}")
        if self.topology is not None and not isinstance(self.topology, Topology):
            raise TypeError(
                f"topology must be Topology(groups, replicas, tasks, servers) or None, got {self.topology!r}"
            )
        self._check_topology(self.arranged, self.strategy)

    @property
    def strategy(self) -> SyncStrategy:
        """What becomes of the workers' updates."""
        return self.sync or AllReduce()

    @property
    def arranged(self) -> Topology:
        """Who divides the work how: as given, or by `workers`, and a server where the strategy needs one.

        Workers are replicas of one group; of an asynchronous strategy, which wait for nobody, groups of one.
        """
        if self.topology is not None:
            return self.topology
        properties = self.strategy.properties
        servers = int(properties.servers)
        if properties.synchronous:
            return Topology(replicas=self.workers, servers=servers)
        return Topology(groups=self.workers, servers=servers)

    def _check_topology(self, topology: Topology, strategy: SyncStrategy) -> None:
        name, properties, workers = type(strategy).__name__, strategy.properties, topology.workers
        if self.workers not in (1, workers):
            raise ValueError(
                f"workers={self.workers} contradict topology={topology} of {workers} workers: leave one out"
            )
        if workers > self.batch_size:
            raise ValueError(
                f"workers={workers} are more than the batch_size={self.batch_size} examples of a batch: "
                f"use at most {self.batch_size} workers, or larger batches (an iteration is one batch of the whole job)"
            )
        if self.processes is not None and self.processes > topology.trainers:
            seen = (
                f"workers={workers}" if topology.tasks == 1 else f"the {topology.trainers} tasks of {workers} workers"
            )
            raise ValueError(f"processes={self.processes} are more than {seen}: use at most as many")
        if properties.servers and not topology.servers:
            raise ValueError(f"{name} needs parameter servers, and {topology} has none: give it servers=1 or more")
        if topology.servers and not properties.servers:
            raise ValueError(
                f"{name} uses no parameter servers, and {topology} has {topology.servers}: leave them out, or declare "
                "servers=True in the strategy's properties"
            )
        if topology.groups > 1 and properties.synchronous:
            raise ValueError(
                f"groups train asynchronously of each other, and {name} is synchronous: use one group of "
                f"{workers} replicas, or an asynchronous strategy"
            )
        if self.convergence is not None and not properties.synchronous:
            raise ValueError(f"convergence= needs the loss of every iteration at once, and {name} is not synchronous")

    def plan(
        self,
        state: TrainingState,
        examples: int,
        engine: str,
        seed: int,
        momentum: float,
        schedule: ScheduleLike,
        optimizer: Optimizer | Minimizer | None = None,
    ) -> Plan:
        """The plan of this `fit`, for so many examples; 0 where nobody knows.

        Raises:
            ValueError: more workers than examples, too little known of a stream, or an optimizer that does not fit
                network, strategy or topology.
        """
        topology = self.arranged
        if not examples and self.epochs is not None:
            raise ValueError(
                "epochs needs to know how many examples a pass of the stream has: Stream(source, examples=...), or "
                "give iterations"
            )
        if not examples and not self.strategy.properties.synchronous:
            raise ValueError(
                f"with {type(self.strategy).__name__} workers are at different places of a pass, and must know how "
                "long it is: Stream(source, examples=...)"
            )
        if 0 < examples < topology.workers:
            raise ValueError(
                f"workers={topology.workers} are more than the {examples} examples: use at most {examples}"
            )
        if topology.servers and state.spec.max_norm is not None:
            raise ValueError(
                f"max_norm={state.spec.max_norm} needs all weights of a neuron in one place, and parameter servers "
                "hold shards of them: leave one out"
            )
        divide(state.spec, topology.tasks)  # refuses layers with fewer neurons than tasks
        if isinstance(optimizer, Minimizer):
            check_minimizer(optimizer, state.spec, self.strategy)
            if topology.tasks > 1:
                raise ValueError(
                    f"{type(optimizer).__name__} needs all parameters in one place, and {topology} divides them over "
                    f"tasks: use tasks=1, or an optimizer"
                )
        elif optimizer is not None and optimizer.clip_norm is not None and topology.servers > 1:
            raise ValueError(
                f"clip_norm={optimizer.clip_norm} bounds the norm over all parameters, and {topology.servers} servers "
                "hold shards of them: use one server, or clip_value"
            )
        order = Order(examples, self.batch_size, seed, self.shuffle, self.sampling)
        return Plan(
            spec=state.spec,
            engine=engine,
            seed=seed,
            momentum=momentum,
            optimizer=optimizer,
            began=state.began,
            schedule=schedule,
            strategy=self.strategy,
            order=order,
            start=state.place_among(examples),
            first_step=state.step,
            iterations=self.iterations or order.batches * (self.epochs or 0),
            topology=topology,
            processes=self.processes or min(topology.trainers, available_cores()),
            submodels=self.submodels,
            convergence=self.convergence,
            validate_every=self.validate_every,
            skip_nonfinite=self.on_nonfinite == "skip",
            timeout=self.timeout,
            augment=self.augment,
            prefetch=self.prefetch,
        )
