"""The engine that runs the user's methods as they are written (see `engine` for the contract)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..compiler.analysis.compatibility import analysis_if_known, check_lent_weights, check_training, unproven_sums
from ..compiler.derivatives.complete import Completion
from ..engine import Batch, Engine, PartEngine, Rates, Score
from ..norms import limit_norms
from ..part import Part
from ..scoring import count_correct, dense_targets
from ..spec import Block, NetworkSpec
from .blame import blaming
from .copies import Copies
from .derived import derivatives
from .draws import Place
from .example import Example, Network, Pushed
from .executable import executable
from .keeping import Keeping
from .kept import part_of
from .numbers import Numbers
from .split import push_split

#: What neurons see of the rates while they predict.
_PREDICTION = Rates(step=0, learning_rate=0.0, momentum=0.0)


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
        self._numbers = Numbers(spec.precision)
        copies = Copies(self._numbers)
        known = [analysis_if_known(it) if training else None for it in spec.layers]
        classes = tuple(
            executable(copies, layer, index, analysis.completion if analysis else Completion.NOTHING)
            for index, (layer, analysis) in enumerate(zip(spec.layers, known, strict=True))
        )
        activations = tuple(copies.copy_object(it.activation) for it in spec.layers)
        self._cost = copies.copy_object(spec.cost)
        keeping = Keeping(spec, parameters)
        derived = tuple(derivatives(analysis, keeping) for analysis in known)
        unproven = unproven_sums(spec) if training else (None,) * len(spec.layers)
        self._network = Network(
            spec, classes, activations, derived, unproven, self._cost, self._numbers, parameters, previous, keeping
        )

    @classmethod
    def of_parts(cls, spec: NetworkSpec, *, seed: int) -> InterpreterParts:
        return InterpreterParts(spec, seed=seed)

    @classmethod
    def prepare(cls, spec: NetworkSpec, *, training: bool = True) -> None:
        if training:
            check_training(spec, analysis_if_known)

    def predict(self, inputs: NDArray[np.float32], *, first: int = 0) -> NDArray[np.float32]:
        self._set_rates(_PREDICTION, training=False)
        key = random.key(self.seed, random.PREDICT)
        outputs = np.empty((len(inputs), self._units), self.spec.precision)
        with np.errstate(all="ignore"):
            for row, features in enumerate(self._checked(inputs)):
                position = first + row
                outputs[row] = Example(self._network, Place(key, 0, position, position)).forward(features)
        return outputs

    def score(self, inputs: NDArray[np.float32], targets: NDArray[np.generic], *, first: int = 0) -> Score:
        wanted = dense_targets(targets, self._units, self.spec.precision)
        return self._score(self.predict(inputs, first=first), wanted, np.ones(len(wanted), np.float32))

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.float32]) -> Score:
        self._set_rates(rates, training=True)
        key = random.key(self.seed, random.TRAIN)
        wanted = dense_targets(batch.targets, self._units, self.spec.precision)
        outputs = np.empty_like(wanted)
        pushed = Pushed(np.zeros(self.spec.size), np.zeros(self.spec.size, np.int64), batch.total - 1)
        weights = np.ones(len(wanted), np.float32) if batch.weights is None else batch.weights
        rows = zip(self._checked(batch.inputs), wanted, weights, batch.positions, batch.lanes, strict=True)
        with np.errstate(all="ignore"):
            for row, (features, target, weight, position, lane) in enumerate(rows):
                example = Example(self._network, Place(key, rates.step, int(position), int(lane), batch.nested))
                outputs[row] = example.forward(features)
                example.backward(target, self._numbers.real(weight), pushed)
        self._average(pushed, batch.total, rates, out)
        return self._score(outputs, wanted, weights)

    def apply(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        for part, beta, gamma in self._carried(rates, start, stop):
            change = update[part.start - start : part.stop - start] + beta * self.previous[part]
            self.previous[part] = change + gamma * self.parameters[part]
            self.parameters[part] += self.previous[part]
        for state in self.spec.states:
            part = slice(max(state.offset, start), min(state.stop, stop))
            if part.start < part.stop:
                self.previous[part] = update[part.start - start : part.stop - start]
                self.parameters[part] += self.previous[part]

    def complete(self, update: NDArray[np.float32], rates: Rates, start: int, stop: int) -> None:
        for part, beta, gamma in self._carried(rates, start, stop):
            update[part.start - start : part.stop - start] += beta * self.previous[part] + gamma * self.parameters[part]

    def _carried(self, rates: Rates, start: int, stop: int) -> Iterator[tuple[slice, float, float]]:
        """The stretches of [start, stop) that steps change, biases and weights apart, each with its β and γ."""
        for block in self.spec.blocks:
            if block.frozen:
                continue
            beta, gamma = self._split(block, rates)
            decay = gamma - rates.times(block.rate_factor).learning_rate * self.spec.regularization
            stretches = (block.offset, block.first_weight, gamma), (block.first_weight, block.stop, decay)
            for begin, end, factor in stretches:
                part = slice(max(begin, start), min(end, stop))
                if part.start < part.stop:
                    yield part, beta, factor

    def _split(self, block: Block, rates: Rates) -> tuple[float, float]:
        """β and γ of what is pushed over the block's connection."""
        index = block.layer - 1
        return push_split(self.spec.layers[index], index, rates.times(block.rate_factor), self.spec.precision)

    def limit_norms(self, part: int, parts: int) -> None:
        limit_norms(self.spec, self.parameters, part, parts)

    def step(self, batch: Batch, rates: Rates) -> Score:
        update = np.empty(self.spec.size, self.spec.precision)
        score = self.gradient(batch, rates, update)
        self.apply(update, rates, 0, self.spec.size)
        self.limit_norms(0, 1)
        return score

    @property
    def _units(self) -> int:
        return self.spec.layers[-1].units

    def _checked(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        width = self.spec.layers[0].units
        if inputs.ndim != 2 or inputs.shape[1] != width:
            raise ValueError(f"inputs must have the shape (examples, {width}), got {inputs.shape}")
        return inputs.astype(self.spec.precision, copy=False)

    def _set_rates(self, rates: Rates, training: bool) -> None:
        for index, neuron in enumerate(self._network.classes):
            block = self.spec.block_into(index + 1)
            own = rates if block is None else rates.times(block.rate_factor)
            neuron.learning_rate = self._numbers.real(own.learning_rate)
            neuron.momentum = self._numbers.real(rates.momentum)
            neuron.iteration = rates.step
            neuron.training = training

    def _average(self, pushed: Pushed, total: int, rates: Rates, out: NDArray[np.float32]) -> None:
        """D: what was pushed without the part L of every push, and states' changes, over the job's batch."""
        for block in self.spec.blocks:
            part = slice(block.offset, block.stop)
            if block.frozen:
                out[part] = 0.0
                continue
            beta, gamma = self._split(block, rates)
            common = beta * self.previous[part].astype(np.float64) + gamma * self.parameters[part].astype(np.float64)
            out[part] = (pushed.sums[part] - pushed.counts[part] * common) / total
        for state in self.spec.states:
            part = slice(state.offset, state.stop)
            out[part] = pushed.sums[part] / (total if state.reduce == "mean" else 1)

    def _score(self, outputs: NDArray[np.float32], targets: NDArray[np.float32], weights: NDArray[np.float32]) -> Score:
        name = f"{type(self._cost).__name__}.apply"
        loss, real = 0.0, self._numbers.real
        counted = np.repeat(weights, outputs.shape[1])
        with np.errstate(all="ignore"), blaming(name):
            for output, target, weight in zip(outputs.flat, targets.flat, counted, strict=True):
                cost = self._numbers.number(self._cost.apply(real(output), real(target)), name)
                loss += float(weight) * float(cost)
        return Score(loss, count_correct(outputs, targets), len(outputs))


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
