"""The normalization of a layer's outputs: found from what the user wrote, and made a layer of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Activation, FunctionInterlayer, Interlayer, Neuron, NeuronError

Vector: TypeAlias = NDArray[np.floating]
#: What `interlayer=` accepts.
InterlayerLike: TypeAlias = Interlayer | type[Interlayer] | Callable[[Vector], Vector]

#: Name of the method by which a neuron class normalizes its layer.
METHOD = "interlayer"


class NeuronInterlayer(Interlayer):
    """The method ``def interlayer(self, output)`` of a neuron class (Horn paper, section 2.3).

    Args:
        neuron: the class.
        hyperparameters: its numbers, which the method finds on `self`.
    """

    def __init__(self, neuron: type[Neuron], hyperparameters: Mapping[str, float | int | bool]) -> None:
        self.neuron = neuron
        instance = neuron()
        for name, value in hyperparameters.items():
            setattr(instance, name, value)
        self._function: Callable[[Vector], Vector] = getattr(instance, METHOD)

    def __str__(self) -> str:
        return f"{self.neuron.__name__}.interlayer"

    def apply(self, output: Vector) -> Vector:
        """The normalized vector, shape (units,)."""
        return np.asarray(self._function(output))


def find_interlayer(
    given: InterlayerLike | None,
    neuron: type[Neuron],
    activation: Activation,
    hyperparameters: Mapping[str, float | int | bool],
) -> Interlayer | None:
    """The one normalization of a layer: the argument's, the neuron class's or the activation's; or None.

    Raises:
        NeuronError: more than one of them, or an argument that is no function.
    """
    found: dict[str, Interlayer] = {}
    if given is not None:
        found["interlayer="] = as_interlayer(given)
    if callable(getattr(neuron, METHOD, None)):
        found[f"{neuron.__name__}.interlayer"] = NeuronInterlayer(neuron, hyperparameters)
    if activation.interlayer is not None:
        found[type(activation).__name__] = activation.interlayer
    if len(found) > 1:
        raise NeuronError(
            f"a layer has one normalization of its outputs, this one is given {len(found)}: {', '.join(found)}; "
            "keep one, for instance with the activation Identity"
        )
    return next(iter(found.values()), None)


def as_interlayer(given: InterlayerLike) -> Interlayer:
    """An `Interlayer` from an object, a class without arguments, or a function of the layer's output vector.

    Raises:
        NeuronError: none of these.
    """
    if isinstance(given, Interlayer):
        return given
    if isinstance(given, type):
        if issubclass(given, Interlayer):
            return given()
        raise NeuronError(f"interlayer must be a function of the layer's output vector, got the class {given.__name__}")
    if not callable(given):
        raise NeuronError(f"interlayer must be a function of the layer's output vector, got {given!r}")
    return FunctionInterlayer(given)
