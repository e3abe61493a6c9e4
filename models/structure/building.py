"""How a user builds a network: inputs, layers, outputs, one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import SupportsIndex

from horn.neurons import Activation, Cost, Dense, Identity, Layer, Neuron, StandardNeuron

from ..checks import require_count, require_rate
from .architecture import LayerSettings, expand, input_layers, output_cost
from .interlayers import InterlayerLike


class LayeredNetwork(ABC):
    """A network that is built layer by layer."""

    def __init__(self) -> None:
        self._layers: list[Layer] = []

    def input_layer(
        self,
        units: SupportsIndex,
        keep: float | None = None,
        neuron: type[Neuron] | None = None,
        **hyperparameters: float,
    ) -> None:
        """Begin the network with its inputs, which are neurons too.

        Args:
            units: number of features.
            keep: probability that an input is kept while training; makes them `DropoutNeuron`.
            neuron: their class; `StandardNeuron` by default.
            **hyperparameters: numbers for class attributes of `neuron`; for a `State`, where it starts.

        Raises:
            ValueError: there are inputs already, `units` is below 1, `keep` not in (0, 1].
            NeuronError: no neuron class, or one without such a hyperparameter.
        """
        if self._layers:
            raise ValueError("the network has its inputs already: input_layer comes first, and once")
        self._layers = input_layers(units, keep, neuron, hyperparameters)

    def add_layer(
        self,
        units: SupportsIndex,
        activation: Activation | type[Activation] = Identity,
        neuron: type[Neuron] = StandardNeuron,
        *,
        bias: bool | None = None,
        interlayer: InterlayerLike | None = None,
        interlayer_neuron: type[Neuron] = StandardNeuron,
        rate_factor: float = 1.0,
        **hyperparameters: float,
    ) -> None:
        """Add a layer, every neuron of which gets a message from every neuron of the layer before.

        Args:
            units: number of neurons.
            activation: their activation, an object or a class.
            neuron: their class.
            bias: True adds a bias; None: where the class's forward is one weighted sum.
            interlayer: a normalization of the layer's outputs, vector in, vector out; becomes a layer of its own.
            interlayer_neuron: the neurons of that layer, which own the outgoing synapses.
            rate_factor: of the learning rate, for the layer's incoming weights and biases; 0 freezes them (`freeze`).
            **hyperparameters: numbers for class attributes of `neuron`; for a `State`, where it starts.

        Raises:
            ValueError: no inputs yet, the network is complete, or `units` is below 1.
            NeuronError: a class, activation or interlayer that cannot be used, or more than one normalization.
        """
        self._require_open("add_layer")
        self._layers += expand(
            LayerSettings(units, activation, neuron, bias, interlayer, interlayer_neuron, rate_factor, hyperparameters),
            len(self._layers),
        )

    #: Horn's spelling.
    addLayer = add_layer

    def output_layer(
        self,
        units: SupportsIndex,
        activation: Activation | type[Activation] = Identity,
        neuron: type[Neuron] = StandardNeuron,
        *,
        cost: Cost | type[Cost],
        bias: bool | None = None,
        interlayer: InterlayerLike | None = None,
        interlayer_neuron: type[Neuron] = StandardNeuron,
        rate_factor: float = 1.0,
        **hyperparameters: float,
    ) -> None:
        """Complete the network; its weights are drawn.

        Args:
            units: number of outputs.
            activation: as for `add_layer`.
            neuron: as for `add_layer`.
            cost: what training minimises, an object or a class. Over outputs that are one distribution (Softmax),
                `CrossEntropy` means `CategoricalCrossEntropy`.
            bias: as for `add_layer`.
            interlayer: as for `add_layer`.
            interlayer_neuron: as for `add_layer`.
            rate_factor: as for `add_layer`.
            **hyperparameters: numbers for class attributes of `neuron`; for a `State`, where it starts.

        Raises:
            ValueError, NeuronError: as `add_layer`.
        """
        self._require_open("output_layer")
        self._layers += expand(
            LayerSettings(units, activation, neuron, bias, interlayer, interlayer_neuron, rate_factor, hyperparameters),
            len(self._layers),
        )
        self._complete(output_cost(cost, self._layers[-1]))

    @property
    def rate_factors(self) -> Mapping[int, float]:
        """Factor of the learning rate of each layer that has incoming weights, by its index as in `summary`."""
        return {
            index: layer.rate_factor for index, layer in enumerate(self._layers) if isinstance(layer.incoming, Dense)
        }

    def freeze(self, *layers: SupportsIndex) -> None:
        """Keep the incoming weights and biases of layers, and their last changes, as they are while others train.

        Args:
            *layers: indices, as in `summary`.

        Raises:
            TypeError, ValueError: no such layer, or one without incoming weights.
        """
        self._set_rate_factor(layers, 0.0)

    def unfreeze(self, *layers: SupportsIndex, rate_factor: float = 1.0) -> None:
        """Train the incoming weights and biases of layers, from now on.

        Args:
            *layers: indices, as in `summary`.
            rate_factor: of the learning rate.

        Raises:
            TypeError, ValueError: no such layer, one without incoming weights, or a factor below 0.
        """
        self._set_rate_factor(layers, require_rate("rate_factor", rate_factor))

    def _set_rate_factor(self, layers: tuple[SupportsIndex, ...], factor: float) -> None:
        weighted = self.rate_factors
        for layer in layers:
            if require_count("layer", layer, least=0) not in weighted:
                raise ValueError(
                    f"layer {layer} has no incoming weights: those that have are {', '.join(map(str, weighted))}, as "
                    "in summary()"
                )
        for layer in layers:
            self._layers[int(layer)] = replace(self._layers[int(layer)], rate_factor=factor)
        self._changed()

    @abstractmethod
    def _changed(self) -> None:
        """Take note that the layers are others, of the same shapes."""

    @abstractmethod
    def _complete(self, cost: Cost) -> None:
        """Make a network of the layers: the last one has come."""

    @property
    @abstractmethod
    def _is_complete(self) -> bool:
        """Whether the output layer has come."""

    def _require_open(self, method: str) -> None:
        if not self._layers:
            raise ValueError(f"the network has no inputs yet: call input_layer(units) before {method}")
        if self._is_complete:
            raise ValueError(f"the network is complete, it has its output layer: call {method} before, or build anew")
