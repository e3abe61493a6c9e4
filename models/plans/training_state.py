"""What training changes in a network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from horn.neurons import NetworkSpec

from ..feeding.batches import START, Place
from ..optimizers import Minimizer, Optimizer


@dataclass
class TrainingState:
    """A network's parameters, and where its training stands.

    Args:
        spec: the network.
        parameters: flat float32 array of ``spec.size``; changed in place only, views of it are out.
        previous: the last change of each parameter.
        step: number of training steps made.
        place: the place in the shuffle.
        examples: how many examples that place is among.
        slots: what the optimizer keeps, by name, each of ``spec.parameter_count``.
        began: the step at which the optimizer began.
    """

    spec: NetworkSpec
    parameters: NDArray[np.float32]
    previous: NDArray[np.float32]
    step: int = 0
    place: Place = START
    examples: int = 0
    slots: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    began: int = 0

    @classmethod
    def new(
        cls, spec: NetworkSpec, parameters: NDArray[np.float32], optimizer: Optimizer | Minimizer | None = None
    ) -> TrainingState:
        """The state of a network that has not been trained."""
        state = cls(spec, parameters, np.zeros_like(parameters))
        state.begin(optimizer)
        return state

    def begin(self, optimizer: Optimizer | Minimizer | None) -> None:
        """Start an optimizer, which remembers nothing yet, at this step."""
        names = optimizer.slots if isinstance(optimizer, Optimizer) else ()
        self.slots = {name: np.zeros(self.spec.parameter_count, self.spec.precision) for name in names}
        self.began = self.step

    def place_among(self, examples: int) -> Place:
        """Where the next `fit` begins: where the last one ended; with a new pass, if the data are others in number."""
        if examples == self.examples or self.place.offset == 0:
            return self.place
        return Place(self.place.epoch + 1, 0)
