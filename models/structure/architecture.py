"""How the layers that a user adds become the chain of layers that the engines run.

A normalization (interlayer function) is a layer of its own behind the layer whose outputs it normalizes, connected one
to one and without weights. So `output_layer(10, Softmax, ...)` makes two layers: 10 neurons with the activation
Identity, and 10 StandardNeurons fed by the normalized outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

from horn.neurons import (
    Activation,
    Cost,
    Dense,
    DropoutNeuron,
    Identity,
    Interlayer,
    Layer,
    Neuron,
    NeuronError,
    StandardNeuron,
    is_weighted_sum,
)
from horn.neurons.activations.base import as_activation
from horn.neurons.costs.base import as_cost
from horn.neurons.neuron import hyperparameters, initial_values

from ..checks import require_count, require_keep, require_rate
from .interlayers import InterlayerLike, find_interlayer


@dataclass(frozen=True)
class LayerSettings:
    """What a user says of one layer; see `NeuralNetwork.add_layer`."""

    units: SupportsIndex
    activation: Activation | type[Activation]
    neuron: type[Neuron]
    bias: bool | None
    interlayer: InterlayerLike | None
    interlayer_neuron: type[Neuron]
    rate_factor: float
    overrides: Mapping[str, Any]


def input_layers(
    units: SupportsIndex, keep: float | None, neuron: type[Neuron] | None, overrides: Mapping[str, Any]
) -> list[Layer]:
    """The input layer; see `NeuralNetwork.input_layer`."""
    if neuron is None:
        neuron = StandardNeuron if keep is None else DropoutNeuron
    numbers, initial = layer_numbers(neuron, overrides if keep is None else {"keep": keep, **overrides})
    return [Layer(require_count("units of the input layer", units), neuron, Identity(), numbers, None, initial)]


def expand(settings: LayerSettings, number: int) -> list[Layer]:
    """The one or two layers that one `add_layer` makes.

    Args:
        settings: what the user said.
        number: the layer's number, for errors.

    Raises:
        NeuronError, TypeError, ValueError: as `NeuralNetwork.add_layer`.
    """
    units = require_count(f"units of layer {number}", settings.units)
    activation = as_activation(settings.activation)
    numbers, initial = layer_numbers(settings.neuron, settings.overrides)
    bias = default_bias(settings.neuron, activation) if settings.bias is None else bool(settings.bias)
    factor = require_rate(f"rate_factor of layer {number}", settings.rate_factor)
    layers = [Layer(units, settings.neuron, activation, numbers, Dense(bias), initial, factor)]
    normalization = find_interlayer(settings.interlayer, settings.neuron, activation, numbers)
    if normalization is not None:
        owner = settings.interlayer_neuron
        layers.append(Layer(units, owner, Identity(), layer_numbers(owner, {})[0], normalization))
    return layers


def output_cost(cost: Cost | type[Cost], last: Layer) -> Cost:
    """The cost of the last layer's outputs; where they are one distribution over the units, the cost for that."""
    chosen = as_cost(cost)
    normalized = isinstance(last.incoming, Interlayer) and last.incoming.normalized
    return chosen.over_normalized_outputs() if normalized else chosen


def default_bias(neuron: type[Neuron], activation: Activation) -> bool:
    """Whether a layer has a bias where the user does not say: where its forward is one weighted sum."""
    try:
        return is_weighted_sum(neuron, activation)
    except NeuronError:
        # the compiler cannot read it, and says why when it is to run it; the interpreter runs it all the same
        return True


def is_neuron_class(given: object) -> bool:
    """Whether a user gave a neuron class, and not an object or a name."""
    return isinstance(given, type) and issubclass(given, Neuron)


def layer_numbers(
    neuron: type[Neuron], overrides: Mapping[str, Any]
) -> tuple[dict[str, float | int | bool], dict[str, float]]:
    """The numbers of a layer's neurons: hyperparameters, and where states start that do not start as declared.

    Args:
        neuron: the class.
        overrides: a user's or a file's numbers, by name.

    Raises:
        NeuronError: no neuron class, or one without such a hyperparameter or state.
        ValueError: a keep probability that is none.
    """
    if not is_neuron_class(neuron):
        raise NeuronError(f"a layer's neuron must be a subclass of Neuron, got {neuron!r}: pass the class itself")
    initial = initial_values(neuron, overrides)
    numbers = hyperparameters(neuron, {name: value for name, value in overrides.items() if name not in initial})
    if issubclass(neuron, DropoutNeuron):
        require_keep(numbers["keep"])
    return numbers, initial
