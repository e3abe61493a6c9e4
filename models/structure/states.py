"""`nn.states`: what a network's neurons keep from batch to batch, as arrays that can be read, changed and assigned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from horn.neurons import NetworkSpec

from ..checks import require_like

Array = NDArray[np.floating]


class LayerStates(Mapping[str, Array]):
    """The states of one layer by name: views of the network's flat array; what is assigned is copied in.

    Args:
        layer: the layer's index, for errors.
        views: arrays that share the network's memory.
    """

    def __init__(self, layer: int, views: Mapping[str, Array]) -> None:
        self._layer = layer
        self._views = dict(views)

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __getitem__(self, name: str) -> Array:
        """A state: shape (units,); of the outgoing synapses: (senders, receivers), the bias's first where it has one.

        Raises:
            KeyError: the layer's class declares none of that name.
        """
        return self._views[name]

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        """Copy `value`, an array of the state's shape or one number for all, into the state.

        Raises:
            KeyError: the layer's class declares none of that name.
            ValueError: of another shape, or not finite.
        """
        view = self._views[name]
        numbers = value if np.ndim(value) else np.full(view.shape, value)
        view[...] = require_like(f"states[{self._layer}][{name!r}]", numbers, view)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {view.shape}" for name, view in self._views.items())
        return f"<states of layer {self._layer}: {shapes or 'none'}>"


def layer_states(spec: NetworkSpec, parameters: Array) -> Mapping[int, LayerStates]:
    """The states of every layer whose class declares some, by the layer's index in the network."""
    found: dict[int, dict[str, Array]] = {}
    for state in spec.states:
        matrix = state.matrix(parameters)
        found.setdefault(state.layer, {})[state.name] = matrix if state.of_synapses else matrix[0]
    return MappingProxyType({layer: LayerStates(layer, views) for layer, views in found.items()})
