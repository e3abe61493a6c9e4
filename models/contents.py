"""What a network holds: its layers as engines see them, and its parameters and states as views."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from horn.neurons import NetworkSpec

from .plans.training_state import TrainingState
from .structure.building import LayeredNetwork
from .structure.parameters import ParameterList, bias_list, weight_list
from .structure.states import LayerStates, layer_states


class HeldNetwork(LayeredNetwork):
    """A network whose parameters can be read and set."""

    @abstractmethod
    def _require_state(self) -> TrainingState:
        """Parameters, and where the training stands."""

    @property
    def spec(self) -> NetworkSpec:
        """The network as the engines see it."""
        return self._require_state().spec

    @property
    def step(self) -> int:
        """Number of training steps made, over all fits."""
        return self._require_state().step

    @property
    def weights(self) -> ParameterList:
        """Weights of each connection, (senders, receivers): views; what is assigned is copied in."""
        state = self._require_state()
        return weight_list(state.spec, state.parameters)

    @weights.setter
    def weights(self, values: Sequence[ArrayLike | None]) -> None:
        self.weights.assign(values)

    @property
    def biases(self) -> ParameterList:
        """Biases of each connection, (receivers,), None where it has none; assignable like `weights`."""
        state = self._require_state()
        return bias_list(state.spec, state.parameters)

    @biases.setter
    def biases(self, values: Sequence[ArrayLike | None]) -> None:
        self.biases.assign(values)

    @property
    def states(self) -> Mapping[int, LayerStates]:
        """What neurons keep from batch to batch: ``nn.states[layer][name]``, views; what is assigned is copied in.

        Layers count from 0 for the inputs, as in `summary`; layers that keep nothing are left out.
        """
        state = self._require_state()
        return layer_states(state.spec, state.parameters)
