"""`NeuralNetwork`: what a user builds, trains, asks and keeps."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Engine, Interlayer, engine_named

from . import checks
from .evaluation import BLOCK, predict, score_part
from .feeding.examples import as_examples
from .feeding.features import Sliceable, as_features
from .persistence import load_network, save_network
from .plans.training_state import TrainingState
from .trainable import TrainableNetwork
from .watching.history import Evaluation


class NeuralNetwork(TrainableNetwork):
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

    _predictor: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What `copy` and `pickle` take: a copy makes a predictor of its own, which reads the copy's parameters."""
        return {**vars(self), "_predictor": None}

    def _changed(self) -> None:
        super()._changed()
        self._predictor = None

    def __repr__(self) -> str:
        if self._state is None:
            return f"<NeuralNetwork: {len(self._layers)} layers, no output layer yet>"
        units = "-".join(str(layer.units) for layer in self._layers if not isinstance(layer.incoming, Interlayer))
        return f"<NeuralNetwork: {units}, {self.spec.parameter_count:,} parameters, {self.step:,} steps made>"

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
