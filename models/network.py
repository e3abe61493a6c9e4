"""`NeuralNetwork`: what a user builds, trains, asks and keeps."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from horn.bsp import ZooKeeper
from horn.neurons import Cost, Engine, Interlayer, NetworkSpec, Rates, draws_masks, engine_named
from horn.neurons.spec import PRECISIONS

from . import checks
from .convergence import Convergence
from .data import Stream
from .evaluation import BLOCK, predict, score_part
from .feeding.augmentation import Augment
from .feeding.examples import as_examples
from .feeding.features import Sliceable, as_features
from .feeding.training_data import training_data
from .insight import TransparentNetwork
from .optimizers import Minimizer, Optimizer
from .parts import SubModels
from .persistence import load_network, save_network
from .plans.training_state import TrainingState
from .plans.updating import seen_rates
from .schedules import ScheduleLike, as_schedule, rate_at
from .strategies import SyncStrategy
from .structure.initialization import initial_parameters
from .topology import Topology
from .training.fitting import FitOptions, run_fit
from .watching.history import Evaluation, History

log = logging.getLogger("horn.models")


class NeuralNetwork(TransparentNetwork):
    """A layered network of neurons.

    Args:
        learning_rate: a number of at least 0, or a schedule (see `horn.models.schedules`). May be set again later. A
            change is Δ ← momentum·Δ − rate·gradient: after an abrupt drop of the rate the old Δ coasts on, for about
            1 / (1 − momentum) steps at the old rate's size.
        momentum: share of a weight's last change that is added to its next one, in [0, 1). May be set again later.
        seed: seed of the initial weights, the order of the examples and the neurons' random draws.
        engine: "compiled", or "interpreter": the neurons' methods run literally, for debugging; slow.
        regularization: λ ≥ 0; adds λ·weight to the gradient of every weight (not of biases).
        max_norm: bound on the norm of a neuron's incoming weights, without the bias; None for no bound.
        optimizer: makes the steps, such as `Adam()` or `LBFGS()`; None: what neurons push is the step. With one,
            neurons see learning rate 1 and momentum 0, and `momentum` plays no part. May be set again later, and then
            begins anew.
        precision: "float32", or "float64": parameters, activations, deltas and sums in double precision, to look into
            gradients; slow. Data and random draws stay float32 numbers.

    Attributes:
        history: the course of the last `fit`; None before.

    Raises:
        TypeError, ValueError: an argument out of its range.
    """

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
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.seed = checks.require_count("seed", seed, least=0)
        self._predictor: Engine | None = None
        self.engine = engine
        self.regularization = checks.require_rate("regularization", regularization)
        self.max_norm = checks.require_bound("max_norm", max_norm)
        self._precision = checks.require_choice("precision", precision, tuple(PRECISIONS))
        self.history: History | None = None
        self._state: TrainingState | None = None
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
        self._engine_name, self._predictor = name, None

    @property
    def precision(self) -> str:
        """What the network computes in, "float32" or "float64"."""
        return self._precision

    def __getstate__(self) -> dict[str, Any]:
        """What `copy` and `pickle` take: a copy makes a predictor of its own, which reads the copy's parameters."""
        return {**vars(self), "_predictor": None}

    def _complete(self, cost: Cost) -> None:
        precision = PRECISIONS[self._precision]
        spec = NetworkSpec(tuple(self._layers), cost, self.regularization, self.max_norm, precision)
        self._state = TrainingState.new(spec, initial_parameters(spec, self.seed), self.optimizer)

    def _changed(self) -> None:
        if self._state is not None:
            self._state.spec = replace(self._state.spec, layers=tuple(self._layers))
        self._predictor = None

    @property
    def _is_complete(self) -> bool:
        return self._state is not None

    def _require_state(self) -> TrainingState:
        if self._state is None:
            raise ValueError("the network has no output layer: call output_layer(units, activation, neuron, cost=...)")
        return self._state

    def __repr__(self) -> str:
        if self._state is None:
            return f"<NeuralNetwork: {len(self._layers)} layers, no output layer yet>"
        units = "-".join(str(layer.units) for layer in self._layers if not isinstance(layer.incoming, Interlayer))
        return f"<NeuralNetwork: {units}, {self.spec.parameter_count:,} parameters, {self.step:,} steps made>"

    def _rates(self) -> Rates:
        """Those of the next step."""
        return seen_rates(self.optimizer, Rates(self.step, rate_at(self._schedule, 0.0, self.step), self.momentum))

    # -- training -----------------------------------------------------------------------------------------------------

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
        features, units = state.spec.layers[0].units, state.spec.layers[-1].units
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
        if isinstance(x, Stream) and sampling != "epoch":
            raise ValueError('a Stream is read from the beginning to the end: sampling="replacement" needs arrays')
        examples = training_data(x, y, sample_weight, features, units)
        if examples.looks_unscaled:
            log.warning(
                "x holds bytes above 1 and is used as it is; ScaledArray(x, 1 / 255) scales rows as they are used"
            )
        looked_at = None
        if validation is not None:
            xv, yv = checks.require_pair("validation", validation)
            looked_at = as_examples(xv, yv, features, units, ("validation x", "validation y"))
        if submodels and not draws_masks(state.spec):
            log.warning(
                "submodels=%r changes nothing: no layer draws with self.binomial, as DropoutNeuron does; name "
                "neuron=DropoutNeuron for the layers that are to drop, or leave submodels out",
                submodels,
            )
        # What neurons see outside of their class may have changed, and counts from here on: for what predicts, too.
        self._predictor = None
        plan = options.plan(state, len(examples), self.engine, self.seed, self.momentum, self._schedule, self.optimizer)
        self.history = run_fit(plan, options, state, examples, looked_at)
        if self.history.stopped == "interrupted":
            raise KeyboardInterrupt
        return self.history

    # -- asking -------------------------------------------------------------------------------------------------------

    def predict(self, x: Sliceable, batch_size: int = BLOCK) -> NDArray[np.floating]:
        """Outputs of the last layer, (examples, units), in the network's precision; the whole network, dropout scaled.

        Args:
            x: inputs, as for `fit`.
            batch_size: examples computed together; bounds the memory needed.

        Raises:
            TypeError, ValueError: bad input.
        """
        engine = self._engine()
        features = as_features(x, engine.spec.layers[0].units)
        return predict(engine, features, checks.require_count("batch_size", batch_size))

    def evaluate(self, x: Sliceable, y: Any, batch_size: int = BLOCK) -> Evaluation:
        """Mean loss, and share of the examples put into the right class.

        Args:
            x: inputs, as for `fit`.
            y: labels or targets, as for `fit`.
            batch_size: examples computed together; bounds the memory needed.

        Raises:
            TypeError, ValueError: bad input.
        """
        engine = self._engine()
        layers = engine.spec.layers
        examples = as_examples(x, y, layers[0].units, layers[-1].units)
        score = score_part(engine, examples, block=checks.require_count("batch_size", batch_size))
        return Evaluation(score.loss / score.examples, score.correct / score.examples)

    def _engine(self) -> Engine:
        """The engine that predicts; it reads the parameters where they are."""
        state = self._require_state()
        if self._predictor is None:
            engine = engine_named(self.engine)
            self._predictor = engine(state.spec, state.parameters, state.previous, seed=self.seed, training=False)
        return self._predictor

    # -- keeping ------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write architecture, weights and what `fit` goes on from to a safetensors file, whole or not at all.

        Raises:
            ValueError: no output layer yet.
            ModelFileError: the file cannot be written, or a part of the network has no name to be found by.
        """
        state = self._require_state()
        save_network(
            path,
            state,
            seed=self.seed,
            engine=self.engine,
            learning_rate=self._learning_rate,
            momentum=self.momentum,
            optimizer=self.optimizer,
        )

    @classmethod
    def _with_state(cls, state: TrainingState, **arguments: Any) -> NeuralNetwork:
        """A complete network; `arguments` are the constructor's."""
        spec = state.spec
        precision = spec.precision.__name__
        network = cls(regularization=spec.regularization, max_norm=spec.max_norm, precision=precision, **arguments)
        network._layers, network._state = list(spec.layers), state
        return network

    @classmethod
    def load(cls, path: str | os.PathLike[str], classes: Iterable[type | Any] = ()) -> NeuralNetwork:
        """Read a network that `save` wrote; `fit` goes on from there.

        Args:
            path: the file.
            classes: neuron classes, activations, costs, optimizers and functions of your own that it is made of.
                Nothing is imported because a file says so.

        Raises:
            ModelFileError: no file, not a model of Horn, damaged, or made of something that is not in `classes`.
            TypeError: `classes` is no list.
        """
        if not isinstance(classes, Iterable):
            raise TypeError(f"classes must be a list of classes and functions, got {classes!r}: write classes=[...]")
        return load_network(path, tuple(classes), cls)
