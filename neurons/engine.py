"""What executes a network: arrays in, arrays out. The interpreter and the compiler hold to this one contract.

One training step of a job: every worker calls `gradient` on its part of the batch, which leaves in `out` the part D of
the pushes that depends on the examples, summed over its examples and divided by the number of examples in the JOB's
batch. The D of all workers are added (a strategy may do other things with them). Then `apply` makes the step, for the
range of the flat array that this worker is responsible for:

    previous = D + momentum·previous + γ·parameters          (what neurons push beside D, and regularization)
    parameters = parameters + previous

A worker that is alone calls `step`, which does the same with fewer passes over the weights. Whoever makes the step of D
by a rule of its own calls `complete`, which adds to D what neurons push beside it.

Neurons see the learning rate times the `rate_factor` of the connection that they send over. Where that is 0, the
connection is frozen: its D is 0, and no step changes its parameters or their previous change, whatever neurons push.

A worker that holds no weights has a `PartEngine` instead: it asks which part of the network its batch needs, is given
the weights of that part by whoever holds them, and gives back the D of that part.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .spec import NetworkSpec

if TYPE_CHECKING:
    from .part import Part


@dataclass(frozen=True)
class Batch:
    """One worker's part of a batch.

    Args:
        inputs: float32, shape (examples, features).
        targets: class labels, integers of shape (examples,), or float32 of shape (examples, units).
        positions: uint32, shape (examples,): each example's position in the job's batch; the counter of its draws.
        lanes: uint32, shape (examples,): what takes the position's place in the counter of `binomial` draws. The
            positions themselves for a mask per example, the worker's index for a sub-model per worker.
        total: number of examples in the job's batch.
        nested: True where an example's `binomial` draws are joined with its lane's (see `random`): a mask per example
            inside of that of the worker.
        weights: float32, shape (examples,): what an example's cost, and so the slope that goes back from it, is
            multiplied by; sums are divided by `total` all the same. None: 1 each.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32] | NDArray[np.int64]
    positions: NDArray[np.uint32]
    lanes: NDArray[np.uint32]
    total: int
    nested: bool = False
    weights: NDArray[np.float32] | None = None

    def part(self, start: int, stop: int) -> Batch:
        """Some of its examples, of the same job's batch; views."""
        return replace(
            self,
            inputs=self.inputs[start:stop],
            targets=self.targets[start:stop],
            positions=self.positions[start:stop],
            lanes=self.lanes[start:stop],
            weights=None if self.weights is None else self.weights[start:stop],
        )


@dataclass(frozen=True)
class Rates:
    """What changes from step to step: the number of the step, the learning rate after its schedule, the momentum."""

    step: int
    learning_rate: float
    momentum: float

    def times(self, factor: float) -> Rates:
        """The same with another learning rate: what neurons see that send over a `Block` with that `rate_factor`."""
        return self if factor == 1.0 else replace(self, learning_rate=factor * self.learning_rate)


@dataclass(frozen=True)
class Score:
    """Sums over the examples of a batch part, to be added over workers.

    Args:
        loss: sum of the examples' costs, each times its weight if it has one; regularization left out.
        correct: examples whose largest output is the target's (for a single unit: on the target's side of 1/2).
        examples: number of examples.
    """

    loss: float
    correct: int
    examples: int

    def __add__(self, other: Score) -> Score:
        return Score(self.loss + other.loss, self.correct + other.correct, self.examples + other.examples)


class Engine(ABC):
    """Executes the neurons of a network.

    Args:
        spec: the network.
        parameters: flat array of ``spec.size`` numbers of ``spec.precision``, changed in place; may lie in shared
            memory.
        previous: the same; the change that the last step made to each parameter.
        seed: seed of the random draws.
        training: False builds what prediction needs and no more; then only `predict` and `score` may be called.

    What it gives back is of that precision, too. Data may always be float32.

    Raises:
        NeuronError: a neuron, activation or cost that cannot be run; before any step.
        ValueError: arrays of another precision.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        parameters: NDArray[np.floating],
        previous: NDArray[np.floating],
        *,
        seed: int,
        training: bool = True,
    ) -> None:
        if not parameters.dtype == previous.dtype == spec.precision:
            seen = f"{parameters.dtype} and {previous.dtype}"
            raise ValueError(f"the network computes in {spec.precision.__name__}, its parameters are {seen}")
        self.spec = spec
        self.parameters = parameters
        self.previous = previous
        self.seed = seed
        self.training = training

    @classmethod
    @abstractmethod
    def of_parts(cls, spec: NetworkSpec, *, seed: int) -> PartEngine:
        """What computes D where others hold the weights.

        Args:
            spec: the network.
            seed: seed of the random draws.

        Raises:
            NeuronError: the network cannot be trained, or not so: see `PartEngine`.
        """

    @classmethod
    @abstractmethod
    def prepare(cls, spec: NetworkSpec, *, training: bool = True) -> None:
        """Do now, once, what the engines in all processes would otherwise do at their first step: check and compile.

        Raises:
            NeuronError: the network cannot be run.
        """

    @abstractmethod
    def predict(self, inputs: NDArray[np.float32], *, first: int = 0) -> NDArray[np.floating]:
        """Outputs of the last layer, shape (examples, units), with ``training`` False.

        Args:
            inputs: float32, shape (examples, features); the caller bounds the number of examples.
            first: position of the first example, for neurons that draw while they predict.
        """

    @abstractmethod
    def score(self, inputs: NDArray[np.float32], targets: NDArray[np.generic], *, first: int = 0) -> Score:
        """Loss and accuracy of `predict` against `targets` (see `Batch`)."""

    @abstractmethod
    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        """Forward, backward and pushes of one batch part; D goes to `out`, flat, overwritten."""

    @abstractmethod
    def apply(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int) -> None:
        """Apply D to ``parameters[start:stop]``.

        Args:
            update: the D for that range, shape (stop - start,); may be a view of what `gradient` wrote.
            rates: those of the step.
            start: where the range begins within the flat array; it need not respect blocks.
            stop: where it ends.
        """

    @abstractmethod
    def complete(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int) -> None:
        """Add to D what `apply` would add to it: update += momentum·previous + γ·parameters, in place.

        Frozen weights and what neurons keep have no such part.

        Args:
            update: the D for ``parameters[start:stop]``, shape (stop - start,).
            rates: those that the neurons pushed with.
            start: where the range begins.
            stop: where it ends.
        """

    @abstractmethod
    def limit_norms(self, part: int, parts: int) -> None:
        """Scale down the receivers whose incoming weights exceed ``spec.max_norm``: this part of `parts` of them.

        A no-op where ``max_norm`` is None, and for frozen weights. To be called after `apply` has been completed on the
        whole range.
        """

    @abstractmethod
    def step(self, batch: Batch, rates: Rates) -> Score:
        """`gradient`, `apply` and `limit_norms` of a worker that is alone."""


class PartEngine(ABC):
    """Computes D for a worker that holds no weights: on those of the part that its batch needs, given for each batch.

    It has no array of the whole network's size. Whoever holds the weights makes the step, L included.

    Args:
        spec: the network.
        seed: seed of the random draws.

    Raises:
        NeuronError: the network cannot be trained, or pushes depend on ``m.prev_weight`` otherwise than by adding a
            multiple of it: whoever holds the weights holds that, too.
    """

    def __init__(self, spec: NetworkSpec, *, seed: int) -> None:
        self.spec = spec
        self.seed = seed

    @abstractmethod
    def part(self, batch: Batch, rates: Rates) -> Part:
        """The part of the network that a batch needs: what its mask keeps, if one holds for all of its examples.

        The whole network where each example has its own, or some class cannot do without those that are dropped. Known
        without any weight: from ids, seed, step and lane.
        """

    @abstractmethod
    def gradient(
        self, part: Part, weights: NDArray[np.floating], batch: Batch, rates: Rates, out: NDArray[np.floating]
    ) -> Score:
        """`Engine.gradient` of a batch, by the weights of its part.

        Args:
            part: what `part` gave for the batch.
            weights: compact, shape ``(part.size,)``, of ``spec.precision``.
            batch: the batch.
            rates: those of the step.
            out: D goes here, compact, overwritten; the same shape.
        """
