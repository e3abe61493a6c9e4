"""One example on its way through the network, forth and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..activations.base import Activation
from ..costs.base import Cost
from ..errors import NeuronError
from ..interlayer import Interlayer
from ..neuron import Neuron
from ..spec import Block, NetworkSpec
from .blame import blaming
from .derived import Derivatives
from .draws import Draws, Place, SynapseDraw
from .keeping import Keeping
from .messages import Backward, Forward, Messages
from .numbers import Numbers
from .runs import AppliedActivation, BackwardRun, BiasForwardRun, ForwardRun

Vector = NDArray[np.floating]


@dataclass(frozen=True)
class Network:
    """What all examples share.

    Args:
        spec: the network.
        classes: for each layer, the class that its neurons are made of (see `executable`).
        activations: for each layer, its activation (see `copies`).
        derivatives: for each layer, those that its `forward` defines; None where products of deltas are used.
        unproven: for each layer, what to say if products of deltas are no derivatives of its neurons after all; None
            where that is known.
        cost: the cost, likewise.
        numbers: what all of them compute in.
        parameters: flat.
        previous: the change that the last step made to each of them.
        keeping: what neurons and synapses keep from batch to batch.
    """

    spec: NetworkSpec
    classes: tuple[type[Neuron], ...]
    activations: tuple[Activation, ...]
    derivatives: tuple[Derivatives | None, ...]
    unproven: tuple[NeuronError | None, ...]
    cost: Cost
    numbers: Numbers
    parameters: Vector
    previous: Vector
    keeping: Keeping


@dataclass(frozen=True)
class Pushed:
    """What the examples' neurons have pushed, and how they have changed what they keep.

    Args:
        sums: for each parameter and state the sum, flat, in float64: an oracle rounds once.
        counts: for each parameter the number of pushes.
        last: position of the last example of the job's batch.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    last: int

    def add(self, block: Block, row: int, updates: Mapping[int, float]) -> None:
        """Add what one sender pushed, by receiver."""
        for receiver, update in updates.items():
            block.matrix(self.sums)[row, receiver] += update
            block.matrix(self.counts)[row, receiver] += 1


class Example:
    """One example: its neurons live as long as it does, so that what they keep is kept per example.

    Args:
        network: what all examples share.
        place: the example's part of the random numbers' counter.
    """

    def __init__(self, network: Network, place: Place) -> None:
        self._network = network
        self._spec = network.spec
        self._numbers = network.numbers
        self._place = place
        self._neurons: list[list[Neuron]] = []
        self._inputs: list[Vector] = []  # of each layer: the network's input, a normalization, or the outputs before
        self._outputs: list[Vector] = []

    # -- forth ------------------------------------------------------------------------------------------------------

    def forward(self, inputs: Vector) -> Vector:
        """Outputs of the last layer, shape (units,), from the network's inputs, shape (features,)."""
        for layer in range(len(self._spec.layers)):
            self._inputs.append(self._fed(layer, inputs))
            self._outputs.append(self._layer_forward(layer))
        return self._outputs[-1]

    def _fed(self, layer: int, inputs: Vector) -> Vector:
        incoming = self._spec.layers[layer].incoming
        if incoming is None:
            return inputs
        if not isinstance(incoming, Interlayer):
            return self._outputs[layer - 1]
        with blaming(str(incoming)):
            normalized = incoming.apply_batch(self._outputs[layer - 1][None])
        return np.asarray(normalized[0])

    def _layer_forward(self, layer: int) -> Vector:
        outputs = np.empty(self._spec.layers[layer].units, self._numbers.kind)
        neurons = []
        for index in range(len(outputs)):
            neuron = self._neuron(layer, index)
            run = ForwardRun(neuron, self._draws(neuron, random.FORWARD))
            outputs[index] = run.execute(Messages(self._incoming(layer, index)))
            neurons.append(neuron)
        self._neurons.append(neurons)
        return outputs

    def _incoming(self, layer: int, index: int) -> list[Forward]:
        inputs = self._inputs[layer]
        block, one = self._spec.block_into(layer), self._numbers.one
        if block is None:
            return [Forward(inputs[index], one, index)]
        weights = block.matrix(self._network.parameters)[:, index]
        bias = [Forward(one, weights[0], -1, True)] if block.bias else []
        synapses = zip(self._spec.ids[layer - 1], inputs, weights[int(block.bias) :], strict=True)
        receiver = self._spec.ids[layer][index]
        return bias + [
            Forward(x, w, sender, False, SynapseDraw(identity, receiver, self._place, self._numbers))
            for sender, (identity, x, w) in enumerate(synapses)
        ]

    def _neuron(self, layer: int, index: int) -> Neuron:
        neuron = self._network.classes[layer]()
        neuron.index = index
        neuron.activation = AppliedActivation(self._network.activations[layer], self._numbers)
        self._network.keeping.give(neuron)
        return neuron

    def _draws(self, neuron: Neuron, method: int) -> Draws:
        identity = self._spec.first_id(neuron.layer) + neuron.index + 1
        return Draws(identity, self._place, method, self._numbers, exempt=neuron.index < 0)

    # -- back -------------------------------------------------------------------------------------------------------

    def backward(self, target: Vector, weight: float, pushed: Pushed) -> None:
        """Send the slope of the cost back through all layers; what neurons push and keep is added to `pushed`.

        Args:
            target: shape (units,).
            weight: what the example's cost counts.
            pushed: sums over the examples so far.
        """
        last = len(self._spec.layers) - 1
        if self._spec.fused:
            last -= 1
            deltas: Vector = self._inputs[-1] - target
        else:
            deltas = self._cost_slopes(target)
        deltas = deltas * weight
        for layer in range(last, -1, -1):
            deltas = self._layer_backward(layer, deltas, pushed)
            incoming = self._spec.layers[layer].incoming
            if isinstance(incoming, Interlayer):
                with blaming(str(incoming)):
                    local = self._spec.layers[layer].neuron.learning_rule == "local"
                    gradient = deltas if local else self._through(layer, deltas)[0][0]
                    rows = self._outputs[layer - 1], self._inputs[layer], gradient
                    deltas = incoming.backward_batch(*(row[None] for row in rows))[0]
        for neuron in (neuron for layer in self._neurons for neuron in layer):
            self._network.keeping.take(neuron, self._is_last(pushed), pushed.sums)

    def _is_last(self, pushed: Pushed) -> bool:
        return self._place.position == pushed.last

    def _through(self, layer: int, deltas: Vector) -> tuple[Vector, Vector]:
        """∂cost/∂input and ∂cost/∂weight of a layer's messages, each of shape (messages, units).

        Args:
            layer: its index.
            deltas: those of its neurons.
        """
        derivatives = self._network.derivatives[layer]
        if derivatives is None or derivatives.products:
            block = self._spec.block_into(layer)
            if block is None:
                return deltas[None], self._inputs[layer][None] * deltas
            self._check_sums(layer)
            bias = [self._numbers.one] if block.bias else []
            inputs = np.array([*bias, *self._inputs[layer]], self._numbers.kind)
            return block.matrix(self._network.parameters) * deltas, inputs[:, None] * deltas
        by_inputs, by_weights = [], []
        for neuron, delta in zip(self._neurons[layer], deltas, strict=True):
            messages, draws = self._incoming(layer, neuron.index), self._draws(neuron, random.FORWARD)
            by_input, by_weight = derivatives.by_messages(neuron, messages, draws, delta)
            by_inputs.append(by_input)
            by_weights.append(by_weight)
        return np.array(by_inputs, self._numbers.kind).T, np.array(by_weights, self._numbers.kind).T

    def _check_sums(self, layer: int) -> None:
        """Refuse neurons of which nothing is known, and which have not computed a weighted sum just now."""
        refusal = self._network.unproven[layer]
        if refusal is None:
            return
        for neuron in self._neurons[layer]:
            terms = [float(m.input) * float(m.weight) for m in self._incoming(layer, neuron.index)]
            assert isinstance(neuron.activation, AppliedActivation)
            results = [it for it in (neuron.activation.point, neuron.output) if it is not None]
            # Far beyond rounding, in whatever order they were added.
            slack = 1e-3 * sum(map(abs, terms))
            if math.isfinite(slack) and not any(abs(it - sum(terms)) <= slack for it in results):
                raise refusal

    def _cost_slopes(self, target: Vector) -> Vector:
        cost, number = self._network.cost, self._numbers.number
        name = f"{type(cost).__name__}.derivative"
        with blaming(name):
            slopes = [number(cost.derivative(o, t), name) for o, t in zip(self._outputs[-1], target, strict=True)]
        return np.array(slopes, self._numbers.kind)

    def _layer_backward(self, layer: int, deltas: Vector, pushed: Pushed) -> Vector:
        """The layer's deltas from its receivers', or, where no weights follow, from the slope at its outputs."""
        block = self._spec.block_into(layer + 1)
        gradients = self._through(layer + 1, deltas) if block is not None else (deltas[None], deltas[None])
        own = np.empty_like(self._outputs[layer])
        for neuron in self._neurons[layer]:
            run = self._neuron_backward(neuron, deltas, gradients, block)
            own[neuron.index] = run.delta
            self._push(neuron, block, run, pushed)
        if block is not None and block.bias:
            bias = self._bias(layer)
            self._push(bias, block, self._neuron_backward(bias, deltas, gradients, block), pushed)
        return own

    def _push(self, neuron: Neuron, block: Block | None, run: BackwardRun, pushed: Pushed) -> None:
        if block is not None:
            pushed.add(block, int(block.bias) + neuron.index, run.updates)
            self._network.keeping.take_synapses(neuron, block, run.messages, self._is_last(pushed), pushed.sums)

    def _bias(self, layer: int) -> Neuron:
        neuron = self._neuron(layer, -1)
        BiasForwardRun(neuron, self._draws(neuron, random.FORWARD)).execute()
        return neuron

    def _neuron_backward(
        self, neuron: Neuron, deltas: Vector, gradients: tuple[Vector, Vector], block: Block | None
    ) -> BackwardRun:
        run = BackwardRun(neuron, self._draws(neuron, random.BACKWARD), lambda: self._output_slope(neuron))
        run.execute(Messages(self._returning(neuron, deltas, gradients, block)))
        return run

    def _output_slope(self, neuron: Neuron) -> float:
        derivatives = self._network.derivatives[neuron.layer]
        if derivatives is None or neuron.index < 0:
            return self._numbers.zero
        messages = self._incoming(neuron.layer, neuron.index)
        return derivatives.of_output(neuron, messages, self._draws(neuron, random.FORWARD))

    def _returning(
        self, neuron: Neuron, deltas: Vector, gradients: tuple[Vector, Vector], block: Block | None
    ) -> list[Backward]:
        output, message = neuron.output, self._network.keeping.message
        if block is None:
            index, delta = neuron.index, deltas[neuron.index]
            one, zero = self._numbers.one, self._numbers.zero
            return [message(neuron, None, index, delta, one, zero, index, False, delta, output * delta)]
        row = int(block.bias) + neuron.index
        weights = block.matrix(self._network.parameters)[row]
        previous = block.matrix(self._network.previous)[row]
        bias = neuron.index < 0
        columns = zip(deltas, weights, previous, gradients[0][row], gradients[1][row], strict=True)
        return [
            message(neuron, block, receiver, delta, weight, before, receiver, bias, by_input, by_weight)
            for receiver, (delta, weight, before, by_input, by_weight) in enumerate(columns)
        ]
