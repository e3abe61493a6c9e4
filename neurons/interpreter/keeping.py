"""What neurons and synapses keep from batch to batch, while one example runs (see `state`).

Every example starts at the flat array's values. Its changes, what it leaves minus what it found, are added up in
float64 where the array has the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..neuron import Neuron
from ..spec import NetworkSpec, StateBlock
from ..state import State, SynapseState
from .messages import Backward, keeping
from .numbers import Numbers
from .synapses import PushedOver, Synapses

Vector = NDArray[np.floating]


class Keeping:
    """What the neurons of a network keep.

    Args:
        spec: the network.
        states: where it lies in the flat array.
        neurons: for each layer the indices of those that are run.
        parameters: flat, with the states behind the weights.
    """

    def __init__(
        self, spec: NetworkSpec, states: Sequence[StateBlock], neurons: Sequence[range], parameters: Vector
    ) -> None:
        self._parameters = parameters
        self._neurons = neurons
        self._blocks = {(state.layer, state.name): state for state in states}
        numbers = Numbers(spec.precision)
        self._of_neurons = [_rounded(layer.starts(State), numbers) for layer in spec.layers]
        self._of_synapses = [_rounded(layer.starts(SynapseState), numbers) for layer in spec.layers]
        self._messages = [keeping(names, numbers) if names else Backward for names in self._of_synapses]

    def give(self, neuron: Neuron) -> None:
        """Set a new neuron's states; the bias's are where they start."""
        for name, value in self.stored(neuron).items():
            setattr(neuron, name, value)

    def stored(self, neuron: Neuron) -> dict[str, float]:
        """A neuron's states from before the batch."""
        found = dict(self._of_neurons[neuron.layer])
        if neuron.index >= 0:
            for name in found:
                found[name] = self._blocks[neuron.layer, name].matrix(self._parameters)[0][self._place(neuron)]
        return found

    def message(self, neuron: Neuron, synapses: Synapses | None, receiver: int, *fields: Any) -> Backward:
        """A message over one outgoing synapse, with what the synapse keeps.

        Args:
            neuron: the sender.
            synapses: the connection; None where it has no weights, and states are where they start.
            receiver: the receiver's index.
            *fields: those of `Backward`, in order.
        """
        message = self._messages[neuron.layer](*fields)
        for name, initial in self._of_synapses[neuron.layer].items():
            value = initial if synapses is None else synapses.states[name][synapses.row(neuron.index), receiver]
            setattr(message, name, value)
        return message

    def take(self, neuron: Neuron, last: bool, sums: NDArray[np.float64]) -> None:
        """Add what a neuron, both its methods run, has changed.

        Args:
            neuron: the neuron, no bias.
            last: True where the example is the last of the job's batch.
            sums: flat; the sums over the examples so far.
        """
        before = self.stored(neuron)
        for name, value in before.items():
            state = self._blocks[neuron.layer, name]
            if state.reduce != "last" or last:
                state.matrix(sums)[0, self._place(neuron)] += float(getattr(neuron, name)) - float(value)

    def take_synapses(
        self, neuron: Neuron, synapses: Synapses, messages: Iterable[Backward], last: bool, pushed: PushedOver
    ) -> None:
        """Add what a neuron, or the bias, has changed of its outgoing synapses.

        Args:
            neuron: the neuron.
            synapses: its outgoing synapses, among others.
            messages: those that its `backward` got.
            last: True where the example is the last of the job's batch.
            pushed: the sums over the examples so far.
        """
        row = synapses.row(neuron.index)
        for message in messages:
            for name in self._of_synapses[neuron.layer]:
                if self._blocks[neuron.layer, name].reduce != "last" or last:
                    change = float(getattr(message, name)) - float(synapses.states[name][row, message.receiver])
                    pushed.states[name][row, message.receiver] += change

    def _place(self, neuron: Neuron) -> int:
        return neuron.index - self._neurons[neuron.layer].start


def _rounded(starts: Mapping[str, float], numbers: Numbers) -> dict[str, float]:
    return {name: numbers.real(value) for name, value in starts.items()}
