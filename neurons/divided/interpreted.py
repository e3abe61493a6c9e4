"""The interpreter of one task: `DividedEngine` on the user's methods as they are written.

The examples of a batch go from layer to layer together, so that a layer takes as many exchanges for a batch as for one
example. For `backward` each task gets, for a moment, all that its own neurons' synapses have (see `rows`), and what
their receivers derive, for every example.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..engine import Batch, PartEngine, Rates, Score
from ..interlayer import Interlayer
from ..interpreter import Interpreter
from ..interpreter.draws import Place
from ..interpreter.example import Example, Gradients, Pushed
from ..interpreter.interpreter import PREDICTION
from ..interpreter.keeping import Keeping
from ..interpreter.making import make_network
from ..interpreter.normalizing import before_normalization, normalized
from ..interpreter.steps import Parameters, checked, counting, score_of, set_rates
from ..interpreter.synapses import PushedOver, Synapses, states_of
from ..norms import limit_norms
from ..scoring import dense_targets
from ..spec import NetworkSpec
from .engine import DividedEngine
from .exchange import Exchange
from .share import Share

Rows = NDArray[np.floating]


class DividedInterpreter(DividedEngine):
    """Executes one task's neurons one by one. See `DividedEngine` for the arguments."""

    def __init__(
        self,
        share: Share,
        exchange: Exchange,
        parameters: NDArray[np.floating],
        previous: NDArray[np.floating],
        *,
        seed: int,
        training: bool = True,
    ) -> None:
        super().__init__(share, exchange, parameters, previous, seed=seed, training=training)
        self.prepare(share.spec, training=training)
        layers, flat = len(share.spec.layers), (parameters, previous)
        self._into: list[Synapses | None] = [None] * layers
        for block in share.blocks:
            self._into[block.layer] = Synapses.within(block, share.states, flat, share.neurons[block.layer])
        #: Filled for one layer at a time.
        self._out: list[Synapses | None] = [None] * layers
        self._over: list[PushedOver | None] = [None] * layers
        keeping = Keeping(share.spec, share.states, share.neurons, parameters)
        synapses = self._into, self._out
        self._network = make_network(share.spec, share.neurons, synapses, keeping, training=training)
        self._parameters = Parameters(share.spec, share.blocks, share.states, *flat)

    @classmethod
    def of_parts(cls, spec: NetworkSpec, *, seed: int) -> PartEngine:
        return Interpreter.of_parts(spec, seed=seed)

    @classmethod
    def prepare(cls, spec: NetworkSpec, *, training: bool = True) -> None:
        Interpreter.prepare(spec, training=training)

    def predict(self, inputs: NDArray[np.float32], *, first: int = 0) -> NDArray[np.floating]:
        set_rates(self._network, PREDICTION, training=False)
        key = random.key(self.seed, random.PREDICT)
        places = range(first, first + len(inputs))
        examples = [Example(self._network, Place(key, 0, position, position)) for position in places]
        with np.errstate(all="ignore"):
            return self._forward(examples, checked(self.spec, inputs))[-1]

    def score(self, inputs: NDArray[np.float32], targets: NDArray[np.generic], *, first: int = 0) -> Score:
        wanted = dense_targets(targets, self.spec.layers[-1].units, self.spec.precision)
        return score_of(self._network, self.predict(inputs, first=first), wanted)

    def gradient(self, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
        set_rates(self._network, rates, training=True)
        key = random.key(self.seed, random.TRAIN)
        wanted = dense_targets(batch.targets, self.spec.layers[-1].units, self.spec.precision)
        places = (
            Place(key, rates.step, int(position), int(lane), batch.nested)
            for position, lane in zip(batch.positions, batch.lanes, strict=True)
        )
        examples = [Example(self._network, place) for place in places]
        sums, counts = np.zeros(self.share.size), np.zeros(self.share.size, np.int64)
        with np.errstate(all="ignore"):
            outputs = self._forward(examples, checked(self.spec, batch.inputs))
            pushed = Pushed(self._over, sums, batch.total - 1)
            self._backward(examples, outputs, wanted, counting(batch), pushed, counts)
        self._parameters.average(sums, counts, batch.total, rates, out)
        return score_of(self._network, outputs[-1], wanted, counting(batch))

    def apply(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int) -> None:
        self._parameters.apply(update, rates, start, stop)

    def complete(self, update: NDArray[np.floating], rates: Rates, start: int, stop: int) -> None:
        self._parameters.complete(update, rates, start, stop)

    def limit_norms(self, part: int, parts: int) -> None:
        limit_norms(self.share.blocks, self.spec.max_norm, self.parameters, part, parts)

    def step(self, batch: Batch, rates: Rates) -> Score:
        update = np.empty(self.share.size, self.spec.precision)
        score = self.gradient(batch, rates, update)
        self.apply(update, rates, 0, self.share.size)
        self.limit_norms(0, 1)
        return score

    # All examples, layer by layer --------------------------------------------------------------------------------

    def _forward(self, examples: Sequence[Example], inputs: Rows) -> list[Rows]:
        """Outputs of all layers, of all their neurons, each of shape (examples, units)."""
        found: list[Rows] = []
        for index, layer in enumerate(self.spec.layers):
            fed = found[-1] if found else inputs
            if isinstance(layer.incoming, Interlayer):
                fed = normalized(layer.incoming, fed)
            own = self._of_own(index, [it.run_forward(index, row) for it, row in zip(examples, fed, strict=True)])
            found.append(self._gathered(index, own))
        return found

    def _backward(
        self,
        examples: Sequence[Example],
        outputs: Sequence[Rows],
        targets: Rows,
        weights: NDArray[np.float32],
        pushed: Pushed,
        counts: NDArray[np.int64],
    ) -> None:
        """Send the slopes of the cost back through all layers.

        Args:
            examples: those of the batch, which have run forward.
            outputs: of all layers.
            targets: shape (examples, units).
            weights: what each example's cost counts, shape (examples,).
            pushed: takes what neurons push and keep.
            counts: flat, takes the numbers of pushes.
        """
        count = len(self.spec.layers)
        deltas = np.empty_like(targets)
        if self.spec.fused:
            count -= 1
        for row, (example, output, target) in enumerate(zip(examples, outputs[-1], targets, strict=True)):
            deltas[row] = example.inputs[-1] - target if self.spec.fused else example.cost_slopes(output, target)
        deltas *= weights.astype(deltas.dtype)[:, None]
        for index in reversed(range(count)):
            gradients = self._from_receivers(examples, index, deltas)
            given = zip(examples, deltas, gradients, strict=True)
            own = self._of_own(index, [it.run_backward(index, row, back, pushed) for it, row, back in given])
            self._to_receivers(index, pushed.sums, counts)
            deltas = self._before(examples, index, own, outputs)

    def _before(self, examples: Sequence[Example], index: int, own: Rows, outputs: Sequence[Rows]) -> Rows:
        """What a layer sends back to all neurons before it, or to the normalization between them.

        Args:
            examples: those of the batch.
            index: the layer.
            own: the task's deltas.
            outputs: of all layers.
        """
        incoming = self.spec.layers[index].incoming
        if not isinstance(incoming, Interlayer):
            return self._gathered(index, own)
        back = [it.to_normalization(index, row) for it, row in zip(examples, own, strict=True)]
        fed = np.empty_like(outputs[index])
        for row, example in zip(fed, examples, strict=True):
            row[:] = example.inputs[index]
        return before_normalization(incoming, outputs[index - 1], fed, self._gathered(index, self._of_own(index, back)))

    # What lies with other tasks ----------------------------------------------------------------------------------

    def _of_own(self, layer: int, rows: Sequence[Rows]) -> Rows:
        """Rows of the task's neurons, one for each example, as a matrix."""
        own = np.empty((len(rows), len(self.share.neurons[layer])), self.spec.precision)
        for target, row in zip(own, rows, strict=True):
            target[:] = row
        return own

    def _gathered(self, layer: int, own: Rows) -> Rows:
        whole = np.empty((len(own), self.spec.layers[layer].units), own.dtype)
        self.meeting.gather(layer, [own], [whole])
        return whole

    def _from_receivers(self, examples: Sequence[Example], layer: int, deltas: Rows) -> Sequence[Gradients | None]:
        """Fetch the synapses of the task's neurons, and ∂cost/∂input and ∂cost/∂weight by them, for each example.

        Args:
            examples: those of the batch.
            layer: the senders' layer; where no weights follow there is nothing to fetch.
            deltas: those of all receivers.
        """
        into = self._into[layer + 1] if layer + 1 < len(self._into) else None
        if into is None:
            return [None] * len(examples)
        own = self.meeting.own(layer + 1)
        matrices = [into.weights, into.previous, *into.states.values()]
        kept = len(matrices)
        for example, row in zip(examples, deltas, strict=True):
            matrices += example.through(layer + 1, row[own])
        rows = self.meeting.to_senders(layer + 1, matrices, into.bias)
        states = dict(zip(into.states, rows[2:kept], strict=True))
        receivers = range(rows.shape[2])
        self._out[layer] = Synapses(into.bias, self.share.neurons[layer], receivers, rows[0], rows[1], states)
        sums = {name: np.zeros(rows.shape[1:]) for name in into.states}
        self._over[layer] = PushedOver(np.zeros(rows.shape[1:]), np.zeros(rows.shape[1:], np.int64), sums)
        return list(zip(rows[kept::2], rows[kept + 1 :: 2], strict=True))

    def _to_receivers(self, layer: int, sums: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        """Give back what the task's neurons of a layer have pushed, and let go of what was fetched for them.

        Args:
            layer: the senders' layer.
            sums: flat, takes the sums of pushes and changes.
            counts: flat, takes the numbers of pushes.
        """
        over, block = self._over[layer], self.share.block_into(layer + 1)
        if over is None or block is None:
            return
        given = np.stack([over.sums, over.counts.astype(np.float64), *over.states.values()])
        back = self.meeting.to_receivers(layer + 1, given, block.bias)
        block.matrix(sums)[...], block.matrix(counts)[...] = back[:2]
        for state, change in zip(states_of(block, self.share.states), back[2:], strict=True):
            state.matrix(sums)[...] = change
        self._out[layer] = self._over[layer] = None
