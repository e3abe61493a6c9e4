"""Training steps of a `Minimizer`: the cost of a batch as a function of the parameters, and its minimization.

All random draws are counter-based, so that every evaluation of a step sees the same dropout masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Batch, Engine, NetworkSpec, Rates, Score

from ..optimizers import Minimizer
from ..optimizers.base import Vector
from ..parts import bounds
from ..plans.updating import seen_rates
from ..strategies import Replicas, SyncStrategy


def check_minimizer(minimizer: Minimizer, spec: NetworkSpec, strategy: SyncStrategy) -> None:
    """Refuse what a minimizer cannot work with.

    Raises:
        ValueError: neurons with a rule of their own, a layer with a rate of its own, or a strategy for updates.
    """
    name = type(minimizer).__name__
    for index, layer in enumerate(spec.layers):
        if layer.neuron.learning_rule == "local":
            raise ValueError(
                f"{name} follows the gradient of the cost, and layer {index} ({layer.neuron.__name__}) pushes by a "
                "rule of its own: train it without an optimizer, or with one such as SGD()"
            )
        if layer.rate_factor not in (0.0, 1.0):
            raise ValueError(
                f"{name} finds the length of its steps for all layers together, and layer {index} has "
                f"rate_factor={layer.rate_factor}: set it to 1, or freeze the layer"
            )
    if strategy.properties.servers:
        raise ValueError(
            f"{name} evaluates the cost at all parameters in one place, and {type(strategy).__name__} keeps them on "
            "servers: use AllReduce(), or a strategy that averages models after steps"
        )
    exchanges = type(strategy).on_update is not SyncStrategy.on_update
    if exchanges and not (strategy.properties.serial_equivalent or strategy.properties.local_steps):
        raise ValueError(
            f"{type(strategy).__name__} exchanges the workers' updates, and {name} makes none: use AllReduce(), or a "
            "strategy that averages models after steps"
        )


@dataclass(frozen=True)
class Site:
    """Where a minimizer works.

    Args:
        engine: runs the network.
        replicas: those who hold the same parameters.
        shard: the range of the parameters that is written here.
        joint: True where the replicas minimise the cost of the job's batch together; False: each that of its part.
    """

    engine: Engine
    replicas: Replicas
    shard: tuple[int, int]
    joint: bool

    def trained(self) -> Iterator[slice]:
        """The stretches of the shard that hold parameters which are not frozen."""
        start, stop = self.shard
        for block in self.engine.spec.blocks:
            own = slice(max(block.offset, start), min(block.stop, stop))
            if own.start < own.stop and not block.frozen:
                yield own


class BatchObjective:
    """Mean cost of a batch, and λ/2·Σw² over the weights, with the gradient of that: an `Objective`.

    Frozen parameters are constants: where they lie in a point plays no part. Evaluating it again where it was evaluated
    last costs nothing.

    Args:
        site: where.
        batch: this replica's part of the batch.
        rates: those of the step.
    """

    def __init__(self, site: Site, batch: Batch, rates: Rates) -> None:
        spec = site.engine.spec
        self._site, self._batch, self._rates = site, batch, rates
        self._examples = batch.total if site.joint else len(batch.inputs)
        self._update = np.zeros(spec.size, spec.precision)
        self._last: tuple[Vector, float, Vector] | None = None
        self._started = False
        #: What the first evaluation says of this replica's part.
        self.score = Score(0.0, 0, 0)
        #: How the first evaluation changes what neurons keep.
        self.kept: NDArray[np.floating] = np.empty(0)

    def __call__(self, point: Vector) -> tuple[float, Vector]:
        if self._last is None or not np.array_equal(self._last[0], point):
            self._last = (point.copy(), *self._evaluate(point))
        return self._last[1], self._last[2].copy()

    def _evaluate(self, point: Vector) -> tuple[float, Vector]:
        spec = self._site.engine.spec
        parameters = point.astype(spec.precision)
        self.place(parameters)
        score = self._gradient()
        loss, update = self._summed(score.loss / self._examples)
        if not self._started:
            self._started, self.score, self.kept = True, score, update[spec.parameter_count :].astype(spec.precision)
        return loss + self._penalty(parameters), -update[: spec.parameter_count]

    def place(self, parameters: NDArray[np.floating]) -> None:
        """Let the engine see parameters, frozen ones aside; replicas that share memory write a shard each."""
        for own in self._site.trained():
            self._site.engine.parameters[own] = parameters[own]
        if self._site.joint:
            self._site.replicas.sync()

    def _gradient(self) -> Score:
        """D of this replica's part, and L, each parameter's at one replica."""
        engine, rates = self._site.engine, self._rates
        count = engine.spec.parameter_count
        if len(self._batch.inputs):
            score = engine.gradient(self._batch, rates, self._update)
        else:  # the last batch of a pass may have fewer examples than there are replicas
            score = Score(0.0, 0, 0)
            self._update.fill(0.0)
        if self._examples != self._batch.total:
            self._update[:count] *= self._batch.total / self._examples
        start, stop = 0, count
        if self._site.joint:
            index, replicas = self._site.replicas.index, self._site.replicas.num_peers
            start, stop = bounds(count, replicas)[index : index + 2]
        engine.complete(self._update[start:stop], rates, start, stop)
        return score

    def _summed(self, loss: float) -> tuple[float, Vector]:
        """Loss and update over all replicas."""
        mine = np.append(self._update.astype(np.float64), loss)
        total = self._site.replicas.allreduce(mine) if self._site.joint else mine
        return float(total[-1]), total[:-1]

    def _penalty(self, parameters: NDArray[np.floating]) -> float:
        spec = self._site.engine.spec
        if not spec.regularization:
            return 0.0
        trained = (block.weights(parameters) for block in spec.blocks if not block.frozen)
        squares = sum(float(np.einsum("sr,sr->", it, it, dtype=np.float64)) for it in trained)
        return spec.regularization / 2 * squares


class Minimization:
    """Makes training steps by a minimizer.

    Args:
        minimizer: the method.
        site: where.
    """

    def __init__(self, minimizer: Minimizer, site: Site) -> None:
        self._minimizer, self._site = minimizer, site

    def step(self, batch: Batch, rates: Rates) -> Score:
        """Minimise the cost of a batch; returns the score of this replica's part before.

        Args:
            batch: this replica's part; where it has none of a batch and minimises alone, nothing changes.
            rates: those of the step.

        Raises:
            ValueError: the minimizer returned something else than parameters.
        """
        engine = self._site.engine
        if not (self._site.joint or len(batch.inputs)):
            return Score(0.0, 0, 0)
        plain = seen_rates(self._minimizer, rates)
        objective = BatchObjective(self._site, batch, plain)
        before = engine.parameters[: engine.spec.parameter_count].copy()
        start = before.astype(np.float64)
        objective(start)
        found = np.asarray(self._minimizer.minimize(objective, start, rates.learning_rate))
        if found.shape != start.shape:
            raise ValueError(
                f"{type(self._minimizer).__name__}.minimize returned shape {found.shape}: needed are parameters like "
                f"those it was given, shape {start.shape}"
            )
        self._move(before, found.astype(before.dtype), objective.kept, plain)
        return objective.score

    def _move(
        self,
        before: NDArray[np.floating],
        found: NDArray[np.floating],
        kept: NDArray[np.floating],
        rates: Rates,
    ) -> None:
        """Make the step of this replica's shard."""
        engine, (start, stop) = self._site.engine, self._site.shard
        count = engine.spec.parameter_count
        for own in self._site.trained():
            engine.previous[own] = found[own] - before[own]
            engine.parameters[own] = found[own]
        first = max(start, count)
        if first < stop:
            engine.apply(kept[first - count : stop - count], rates, first, stop)
