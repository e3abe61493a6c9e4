"""A network that learns: what `fit` does, and the settings that it goes by."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from horn.bsp import ZooKeeper
from horn.neurons import Cost, NetworkSpec, Rates, engine_named
from horn.neurons.spec import PRECISIONS

from . import checks
from .convergence import Convergence
from .data import Stream
from .feeding.augmentation import Augment
from .feeding.features import Sliceable
from .insight import TransparentNetwork
from .optimizers import Minimizer, Optimizer
from .parts import SubModels
from .plans.training_state import TrainingState
from .plans.updating import seen_rates
from .schedules import ScheduleLike, as_schedule, rate_at
from .strategies import SyncStrategy
from .structure.initialization import initial_parameters
from .topology import Topology
from .training.fitting import run_fit
from .training.inputs import fit_inputs
from .training.options import FitOptions
from .watching.history import History


class TrainableNetwork(TransparentNetwork):
    """A network that learns; its arguments are those of `NeuralNetwork`."""

    def __init__(
        self,
        learning_rate: float | ScheduleLike = 0.1,
        momentum: float = 0.9,
        seed: int = 1,
        engine: str = "compiled",
        regularization: float = 0.0,
        max_norm: float | None = None,
        precision: str = "float32",
        optimizer: Optimizer | Minimizer | None = None,
    ) -> None:
        super().__init__()
        self._state: TrainingState | None = None
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.seed = checks.require_count("seed", seed, least=0)
        self.engine = engine
        self.regularization = checks.require_rate("regularization", regularization)
        self.max_norm = checks.require_bound("max_norm", max_norm)
        self._precision = checks.require_choice("precision", precision, tuple(PRECISIONS))
        self.history: History | None = None
        self.optimizer = optimizer

    @property
    def learning_rate(self) -> float | ScheduleLike:
        """The learning rate or schedule, as it was given."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float | ScheduleLike) -> None:
        self._schedule = as_schedule(rate)
        self._learning_rate = rate

    @property
    def momentum(self) -> float:
        """The momentum."""
        return self._momentum

    @momentum.setter
    def momentum(self, momentum: float) -> None:
        self._momentum = checks.require_momentum(momentum)

    @property
    def optimizer(self) -> Optimizer | Minimizer | None:
        """What makes the steps; None: the neurons."""
        return self._optimizer

    @optimizer.setter
    def optimizer(self, optimizer: Optimizer | Minimizer | None) -> None:
        if not isinstance(optimizer, Optimizer | Minimizer | None):
            raise TypeError(
                f"optimizer must be an object such as Adam() or LBFGS(), an Optimizer or Minimizer, or None, got "
                f"{optimizer!r}"
            )
        self._optimizer = optimizer
        if self._state is not None:
            self._state.begin(optimizer)

    @property
    def engine(self) -> str:
        """Name of the engine, "compiled" or "interpreter". May be set again later."""
        return self._engine_name

    @engine.setter
    def engine(self, name: str) -> None:
        engine_named(name)
        self._engine_name = name
        self._changed()

    @property
    def precision(self) -> str:
        """What the network computes in, "float32" or "float64"."""
        return self._precision

    def _complete(self, cost: Cost) -> None:
        precision = PRECISIONS[self._precision]
        spec = NetworkSpec(tuple(self._layers), cost, self.regularization, self.max_norm, precision)
        self._state = TrainingState.new(spec, initial_parameters(spec, self.seed), self.optimizer)

    def _changed(self) -> None:
        if self._state is not None:
            self._state.spec = replace(self._state.spec, layers=tuple(self._layers))

    @property
    def _is_complete(self) -> bool:
        return self._state is not None

    def _require_state(self) -> TrainingState:
        if self._state is None:
            raise ValueError("the network has no output layer: call output_layer(units, activation, neuron, cost=...)")
        return self._state

    def _rates(self) -> Rates:
        """Those of the next step."""
        return seen_rates(self.optimizer, Rates(self.step, rate_at(self._schedule, 0.0, self.step), self.momentum))

    def fit(
        self,
        x: Sliceable | Stream,
        y: Any = None,
        *,
        sample_weight: Any = None,
        augment: Augment | None = None,
        iterations: int | None = None,
        epochs: int | None = None,
        batch_size: int,
        shuffle: bool = True,
        sampling: str = "epoch",
        validation: tuple[Sliceable, Any] | None = None,
        validate_every: int | None = None,
        workers: int = 1,
        topology: Topology | None = None,
        processes: int | None = None,
        submodels: SubModels = False,
        sync: SyncStrategy | None = None,
        zookeeper: str | ZooKeeper | None = None,
        barrier: str = "auto",
        convergence: Convergence | None = None,
        on_nonfinite: str = "stop",
        verbose: int = 1,
        timeout: float | None = None,
        blas_threads: int = 1,
        prefetch: bool | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train. A second `fit` goes on where the first ended, momentum and place in the shuffle included.

        An iteration is one batch of the whole job, split evenly over the workers: the same work for any number of
        them, and the same weights to rounding. Same seed and same number of processes: the same bits.

        Args:
            x: inputs (examples, features): float32, uint8 or a `ScaledArray` as they are; other numbers are converted
                to float32. Bytes count as 0 to 255, too much for usual learning rates: `ScaledArray(x, 1 / 255)` makes
                them 0 to 1. From a memory-mapped file, and from anything that is sliced like an array and is none (a
                data set of an HDF5 file), each batch reads its rows, which are checked then. Or a `Stream`, which
                brings its labels.
            y: integer labels (examples,), or targets (examples, units).
            sample_weight: (examples,), at least 0: the cost of an example, and so its part of the gradient, is
                multiplied by its weight. Sums are still divided by the number of examples: weights of mean 1 leave the
                size of the steps as it is. The history's losses are weighted; accuracies and validation are not. Rules
                that use no delta (Hebb) learn from all examples alike.
            augment: ``augment(x, rng)`` is called with the inputs of a part of a batch, float32 (examples, features),
                which it may change, and an `ExampleDraws`; it returns what is computed instead, of the same shape. The
                result is the same for any number of workers if it changes each example for itself.
            iterations: number of batches; exactly one of this and `epochs`.
            epochs: number of passes over the data.
            batch_size: examples per batch of the whole job.
            shuffle: False takes the examples as they come, in every pass.
            sampling: "epoch" takes each example once per pass; "replacement" draws each batch from all of them.
            validation: inputs and labels to look at during training.
            validate_every: iterations between two looks; None: after each pass over the data. And once at the end.
            workers: parts that each batch is split into; 1 trains in the calling process.
            topology: groups, replicas, tasks and servers that divide the work; None: `workers` replicas of one group,
                or with an asynchronous strategy as many groups of one, and a server if the strategy needs one.
            processes: worker processes; by default as many as workers, but no more than cores. Beside them each server
                has one of its own.
            submodels: True: each worker trains its own sub-model of each batch; dropout is drawn once per worker and
                batch, not once per example. "nested": an example's mask lies within its worker's, what one draw keeps
                with probability p being kept by both with √p. Warns where no layer draws any.
            sync: what becomes of the workers' updates; `AllReduce()` by default.
            zookeeper: "host:port,…" of the servers that coordinate the job, or `horn.bsp.ZooKeeper(...)`; None: the
                embedded coordinator.
            barrier: where the processes meet: "direct", over memory; "zookeeper"; "auto" for the one that
                `horn.bsp.BSPJob` takes by itself.
            convergence: when to stop early; None: never.
            on_nonfinite: what becomes of a step in which the loss of a worker's part is NaN or infinite: "stop" raises
                TrainingDiverged, which names the worker (all of them, where one process computes all as one batch);
                "skip" leaves the part out of the step and of the reported loss, also where its update is not finite,
                and counts it in ``history.metrics["skipped"]``.
            verbose: 0 shows no progress bar.
            timeout: seconds that a worker waits for the others at a barrier, or for a server; None: as long as they
                live.
            blas_threads: threads of the BLAS and of large kernels, in each process.
            prefetch: whether a thread of each peer gathers the next batch while this one is computed; the same result.
                None: for streams, files and with `augment`; for arrays in memory it would cost more than it saves.
            tensorboard: folder for TensorBoard's event files: loss, accuracy and looks as training goes, and in the end
                what the strategy and each worker measured. Needs the extra "tensorboard".

        Returns:
            The history, which is also kept as ``self.history``.

        Raises:
            TypeError, ValueError: bad input; nothing was started.
            ImportError: `tensorboard` without tensorboardX.
            NeuronError: neurons that cannot be run; nothing was started.
            TrainingDiverged: the loss, or a weight in the end, is NaN or infinite.
            WorkerLost, BSPError: a worker process died, or failed.
            KeyboardInterrupt: Ctrl-C; weights and history of the completed iterations are kept. After any other error
                the network is as it was before.
        """
        state = self._require_state()
        options = FitOptions(
            iterations=iterations,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            sampling=sampling,
            validate_every=validate_every,
            workers=workers,
            topology=topology,
            processes=processes,
            submodels=submodels,
            sync=sync,
            zookeeper=zookeeper,
            barrier=barrier,
            convergence=convergence,
            on_nonfinite=on_nonfinite,
            verbose=verbose,
            timeout=timeout,
            blas_threads=blas_threads,
            augment=augment,
            prefetch=prefetch,
            tensorboard=tensorboard,
        )
        examples, looked_at = fit_inputs(x, y, sample_weight, validation, options, state.spec)
        self._changed()  # what neurons see outside of their class may have, and counts from here on
        plan = options.plan(state, len(examples), self.engine, self.seed, self.momentum, self._schedule, self.optimizer)
        self.history = run_fit(plan, options, state, examples, looked_at)
        if self.history.stopped == "interrupted":
            raise KeyboardInterrupt
        return self.history
