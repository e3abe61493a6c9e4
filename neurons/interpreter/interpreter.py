"""The engine that runs the user's methods as they are written (see `engine` for the contract)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..compiler.analysis.compatibility import analysis_if_known, check_lent_weights, check_training
from ..engine import Batch, Engine, PartEngine, Rates, Score
from ..interlayer import Interlayer
from ..norms import limit_norms
from ..part import Part
from ..scoring import dense_targets
from ..spec import NetworkSpec
from .draws import Place
from .example import Example, Pushed
from .keeping import Keeping
from .kept import part_of
from .making import make_network
from .normalizing import before_normalization, normalized
from .steps import Parameters, checked, counting, score_of, set_rates
from .synapses import PushedOver, Synapses

Vector = NDArray[np.floating]

#: What neurons see of the rates while they predict.
PREDICTION = Rates(step=0, learning_rate=0.0, momentum=0.0)


class Interpreter(Engine):
    """Executes neurons one by one: slow, literal, and the meaning of the language. See `Engine` for the arguments."""

    def __init__(
        self,
        spec: NetworkSpec,
        parameters: NDArray[np.float32],
        previous: NDArray[np.float32],
        *,
        seed: int,
        training: bool = True,
    ) -> None:
        super().__init__(spec, parameters, previous, seed=seed, training=training)
        self.prepare(spec, training=training)
        neurons = [range(layer.units) for layer in spec.layers]
        into: list[Synapses | None] = [None] * (len(neurons) + 1)
        for block in spec.blocks:
            into[block.layer] = Synapses.within(block, spec.states, (parameters, previous), neurons[block.layer])
        keeping = Keeping(spec, spec.states, neurons, parameters)
        self._network = make_network(spec, neurons, (into[:-1], into[1:]), keeping, training=training)
        self._parameters = Parameters(spec, spec.blocks, spec.states, parameters, previous)

    @classmethod
    def of_parts(cls, spec: NetworkSpec, *, seed: int) -> InterpreterParts:
        return InterpreterParts(spec, seed=seed)

    @classmethod
    def prepare(cls, spec: NetworkSpec, *, training: bool = True) -> None:
        if training:
            check_training(spec, analysis_if_known)

    def predict(self, inputs: NDArray[np.float32], *, first: int = 0) -> NDArray[np.float32]:
        set_rates(self._network, PREDICTION, training=False)
        key = random.key(self.seed, random.PREDICT)
        outputs = np.empty((len(inputs), self._units), self.spec.precision)
        with np.errstate(all="ignore"):
            for row, features in enumerate(checked(self.spec, inputs)):
                position = first + row
                example = Example(self._network, Place(key, 0, position, position))
                outputs[row] = self._forward(example, features)[-1]
        return outputs

    def score(self, inputs: NDArray[np.float32], targets: NDArray[np.generic], *, first: int = 0) -> Score:
        wanted = dense_targets(targets, self._units, self.spec.precision)
        return score_of(self._network, self.predict(inputs, first=first), wanted)

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.float32]) -> Score:
        set_rates(self._network, rates, training=True)
        key = random.key(self.seed, random.TRAIN)
        wanted = dense_targets(batch.targets, self._units, self.spec.precision)
        outputs = np.empty_like(wanted)
        sums, counts = np.zeros(self.spec.size), np.zeros(self.spec.size, np.int64)
        over: list[PushedOver | None] = [None] * len(self.spec.layers)
        for block in self.spec.blocks:
            over[block.layer - 1] = PushedOver.within(block, self.spec.states, sums, counts)
        pushed = Pushed(over, sums, batch.total - 1)
        weights = counting(batch)
        rows = zip(checked(self.spec, batch.inputs), wanted, weights, batch.positions, batch.lanes, strict=True)
        with np.errstate(all="ignore"):
            for row, (features, target, weight, position, lane) in enumerate(rows):
                example = Example(self._network, Place(key, rates.step, int(position), int(lane), batch.nested))
                chain = self._forward(example, features)
                outputs[row] = chain[-1]
                self._backward(example, chain, target, self._network.numbers.real(weight), pushed)
        self._parameters.average(sums, counts, batch.total, rates, out)
        return score_of(self._network, outputs, wanted, weights)

    def apply(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        self._parameters.apply(update, rates, start, stop)

    def complete(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        self._parameters.complete(update, rates, start, stop)

    def limit_norms(self, part: int, parts: int) -> None:
        limit_norms(self.spec.blocks, self.spec.max_norm, self.parameters, part, parts)

    def step(self, batch: Batch, rates: Rates) -> Score:
        update = np.empty(self.spec.size, self.spec.precision)
        score = self.gradient(batch, rates, update)
        self.apply(update, rates, 0, self.spec.size)
        self.limit_norms(0, 1)
        return score

    @property
    def _units(self) -> int:
        return self.spec.layers[-1].units

    def _forward(self, example: Example, inputs: Vector) -> list[Vector]:
        """Outputs of all layers, each of shape (units,), from the network's inputs, shape (features,)."""
        found: list[Vector] = []
        for index, layer in enumerate(self.spec.layers):
            fed = found[-1] if found else inputs
            if isinstance(layer.incoming, Interlayer):
                fed = np.asarray(normalized(layer.incoming, fed[None])[0])
            found.append(example.run_forward(index, fed))
        return found

    def _backward(self, example: Example, outputs: list[Vector], target: Vector, weight: float, pushed: Pushed) -> None:
        """Send the slope of the cost back through all layers; what neurons push and keep is added to `pushed`.

        Args:
            example: one that has run forward.
            outputs: of all layers.
            target: shape (units,).
            weight: what the example's cost counts.
            pushed: sums over the examples so far.
        """
        count = len(self.spec.layers)
        if self.spec.fused:
            count -= 1
            deltas: Vector = example.inputs[-1] - target
        else:
            deltas = example.cost_slopes(outputs[-1], target)
        deltas = deltas * weight
        for index in reversed(range(count)):
            weights_follow = self._network.out[index] is not None
            gradients = example.through(index + 1, deltas) if weights_follow else None
            deltas = example.run_backward(index, deltas, gradients, pushed)
            incoming = self.spec.layers[index].incoming
            if isinstance(incoming, Interlayer):
                back = example.to_normalization(index, deltas)
                rows = outputs[index - 1][None], example.inputs[index][None], back[None]
                deltas = before_normalization(incoming, *rows)[0]


class InterpreterParts(PartEngine):
    """Runs the whole network, for any part: what is left out has weights 0, and is dropped. See `PartEngine`.

    It does have arrays of the network's size: it is the meaning, and made to be looked into.
    """

    def __init__(self, spec: NetworkSpec, *, seed: int) -> None:
        super().__init__(spec, seed=seed)
        check_lent_weights(spec)
        self._weights = np.zeros(spec.size, spec.precision)
        self._update = np.zeros(spec.size, spec.precision)
        self._engine = Interpreter(spec, self._weights, np.zeros(spec.size, spec.precision), seed=seed)

    def part(self, batch: Batch, rates: Rates) -> Part:
        return part_of(self.spec, batch, rates, random.key(self.seed, random.TRAIN))

    def gradient(
        self, part: Part, weights: NDArray[np.floating], batch: Batch, rates: Rates, out: NDArray[np.floating]
    ) -> Score:
        self._weights.fill(0.0)
        part.add(weights, self._weights)
        score = self._engine.gradient(batch, rates, self._update)
        part.gather(self._update, out)
        return score
