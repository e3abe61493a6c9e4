"""One example on its way through the network, forth and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..activations.base import Activation
from ..costs.base import Cost
from ..errors import NeuronError
from ..neuron import Neuron
from ..spec import NetworkSpec
from .blame import blaming
from .derived import Derivatives
from .draws import Draws, Place, SynapseDraw
from .keeping import Keeping
from .messages import Backward, Forward, Messages
from .numbers import Numbers
from .runs import AppliedActivation, BackwardRun, BiasForwardRun, ForwardRun
from .synapses import PushedOver, Synapses

Vector = NDArray[np.floating]
#: ∂cost/∂input and ∂cost/∂weight, of shape (senders, receivers).
Gradients = tuple[Vector, Vector]


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
        neurons: for each layer, the indices of the neurons that are run.
        into: for each layer, the synapses into these neurons; None where it has no weights.
        out: for each layer, the synapses out of them, likewise.
        keeping: what neurons and synapses keep from batch to batch.
    """

    spec: NetworkSpec
    classes: tuple[type[Neuron], ...]
    activations: tuple[Activation, ...]
    derivatives: tuple[Derivatives | None, ...]
    unproven: tuple[NeuronError | None, ...]
    cost: Cost
    numbers: Numbers
    neurons: Sequence[range]
    into: Sequence[Synapses | None]
    out: Sequence[Synapses | None]
    keeping: Keeping


@dataclass(frozen=True)
class Pushed:
    """What the examples' neurons have pushed, and how they have changed what they keep.

    Args:
        over: for each layer, what was pushed over the synapses out of it; None where it has no weights.
        sums: flat; where the states of neurons are, the sums of their changes.
        last: position of the last example of the job's batch.
    """

    over: Sequence[PushedOver | None]
    sums: NDArray[np.float64]
    last: int


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
        #: Of each layer that has run: the network's input, a normalization, or the outputs before.
        self.inputs: list[Vector] = []

    # -- forth ------------------------------------------------------------------------------------------------------

    def run_forward(self, layer: int, inputs: Vector) -> Vector:
        """Outputs of a layer's neurons, those that are run, from what the layer is fed.

        Args:
            layer: its index; the layers before have been run.
            inputs: the network's input, a normalization, or the outputs before, of all neurons there.
        """
        self.inputs.append(inputs)
        indices = self._network.neurons[layer]
        outputs = np.empty(len(indices), self._numbers.kind)
        neurons = []
        for place, index in enumerate(indices):
            neuron = self._neuron(layer, index)
            run = ForwardRun(neuron, self._draws(neuron, random.FORWARD))
            outputs[place] = run.execute(Messages(self._incoming(layer, index)))
            neurons.append(neuron)
        self._neurons.append(neurons)
        return outputs

    def _incoming(self, layer: int, index: int) -> list[Forward]:
        inputs = self.inputs[layer]
        synapses, one = self._network.into[layer], self._numbers.one
        if synapses is None:
            return [Forward(inputs[index], one, index)]
        weights = synapses.weights[:, index - synapses.receivers.start]
        bias = [Forward(one, weights[0], -1, True)] if synapses.bias else []
        given = zip(self._spec.ids[layer - 1], inputs, weights[int(synapses.bias) :], strict=True)
        receiver = self._spec.ids[layer][index]
        return bias + [
            Forward(x, w, sender, False, SynapseDraw(identity, receiver, self._place, self._numbers))
            for sender, (identity, x, w) in enumerate(given)
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

    def through(self, layer: int, deltas: Vector) -> tuple[Vector, Vector]:
        """∂cost/∂input and ∂cost/∂weight of the messages of a layer's neurons, each of shape (messages, neurons).

        Args:
            layer: its index.
            deltas: those of its neurons that are run.
        """
        derivatives = self._network.derivatives[layer]
        if derivatives is None or derivatives.products:
            synapses = self._network.into[layer]
            if synapses is None:
                indices = self._network.neurons[layer]
                return deltas[None], self.inputs[layer][None, indices.start : indices.stop] * deltas
            self._check_sums(layer)
            bias = [self._numbers.one] if synapses.bias else []
            inputs = np.array([*bias, *self.inputs[layer]], self._numbers.kind)
            return synapses.weights * deltas, inputs[:, None] * deltas
        by_inputs, by_weights = [], []
        for neuron, delta in zip(self._neurons[layer], deltas, strict=True):
            messages, draws = self._incoming(layer, neuron.index), self._draws(neuron, random.FORWARD)
            by_input, by_weight = derivatives.by_messages(neuron, messages, draws, delta)
            by_inputs.append(by_input)
            by_weights.append(by_weight)
        return np.array(by_inputs, self._numbers.kind).T, np.array(by_weights, self._numbers.kind).T

    def to_normalization(self, layer: int, deltas: Vector) -> Vector:
        """What the neurons of a layer send back to the normalization that feeds it, one number each.

        Args:
            layer: its index.
            deltas: those of its neurons that are run.
        """
        local = self._spec.layers[layer].neuron.learning_rule == "local"
        return deltas if local else self.through(layer, deltas)[0][0]

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

    def cost_slopes(self, outputs: Vector, target: Vector) -> Vector:
        """The slope of the cost at the network's outputs. All shapes (units,)."""
        cost, number = self._network.cost, self._numbers.number
        name = f"{type(cost).__name__}.derivative"
        with blaming(name):
            slopes = [number(cost.derivative(o, t), name) for o, t in zip(outputs, target, strict=True)]
        return np.array(slopes, self._numbers.kind)

    def run_backward(self, layer: int, deltas: Vector, gradients: Gradients | None, pushed: Pushed) -> Vector:
        """Deltas of a layer's neurons, those that are run; what they push and keep is added to `pushed`.

        Args:
            layer: its index.
            deltas: those of all receivers, or, where no weights follow, what comes back to each of the layer's neurons.
            gradients: ∂cost/∂input and ∂cost/∂weight by the synapses out of the layer; None where no weights follow.
            pushed: sums over the examples so far.
        """
        synapses = self._network.out[layer]
        own = np.empty(len(self._neurons[layer]), self._numbers.kind)
        for place, neuron in enumerate(self._neurons[layer]):
            run = self._neuron_backward(neuron, deltas, gradients)
            own[place] = run.delta
            self._push(neuron, run, pushed)
            self._network.keeping.take(neuron, self._is_last(pushed), pushed.sums)
        if synapses is not None and synapses.bias:
            bias = self._bias(layer)
            self._push(bias, self._neuron_backward(bias, deltas, gradients), pushed)
        return own

    def _is_last(self, pushed: Pushed) -> bool:
        return self._place.position == pushed.last

    def _push(self, neuron: Neuron, run: BackwardRun, pushed: Pushed) -> None:
        synapses, over = self._network.out[neuron.layer], pushed.over[neuron.layer]
        if synapses is not None and over is not None:
            over.add(synapses.row(neuron.index), run.updates)
            self._network.keeping.take_synapses(neuron, synapses, run.messages, self._is_last(pushed), over)

    def _bias(self, layer: int) -> Neuron:
        neuron = self._neuron(layer, -1)
        BiasForwardRun(neuron, self._draws(neuron, random.FORWARD)).execute()
        return neuron

    def _neuron_backward(self, neuron: Neuron, deltas: Vector, gradients: Gradients | None) -> BackwardRun:
        run = BackwardRun(neuron, self._draws(neuron, random.BACKWARD), lambda: self._output_slope(neuron))
        run.execute(Messages(self._returning(neuron, deltas, gradients)))
        return run

    def _output_slope(self, neuron: Neuron) -> float:
        derivatives = self._network.derivatives[neuron.layer]
        if derivatives is None or neuron.index < 0:
            return self._numbers.zero
        messages = self._incoming(neuron.layer, neuron.index)
        return derivatives.of_output(neuron, messages, self._draws(neuron, random.FORWARD))

    def _returning(self, neuron: Neuron, deltas: Vector, gradients: Gradients | None) -> list[Backward]:
        output, message = neuron.output, self._network.keeping.message
        synapses = self._network.out[neuron.layer]
        if synapses is None or gradients is None:
            index, delta = neuron.index, deltas[neuron.index]
            one, zero = self._numbers.one, self._numbers.zero
            return [message(neuron, None, index, delta, one, zero, index, False, delta, output * delta)]
        row, bias = synapses.row(neuron.index), neuron.index < 0
        by_inputs, by_weights = gradients
        columns = zip(
            deltas, synapses.weights[row], synapses.previous[row], by_inputs[row], by_weights[row], strict=True
        )
        return [
            message(neuron, synapses, receiver, delta, weight, before, receiver, bias, by_input, by_weight)
            for receiver, (delta, weight, before, by_input, by_weight) in enumerate(columns)
        ]
