"""The two kinds of optimizers.

An `Optimizer` makes a step of the batch's descent direction, each parameter for itself: given d, what neurons push at
learning rate 1 and momentum 0 (the negative gradient, for neurons that push gradients; regularization included), it
finds the change Δ of each parameter. What it remembers from step to step lies in arrays as long as the parameters, its
slots, so that whoever owns a range of the parameters owns that range of the slots, and any division of the parameters
over processes makes the same step.

A `Minimizer` makes a step of several evaluations of the batch's cost, and needs all parameters at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checks import require_bound, require_count

Array: TypeAlias = NDArray[np.floating]
Vector: TypeAlias = NDArray[np.float64]
#: Loss and its gradient at given parameters.
Objective: TypeAlias = Callable[[Vector], tuple[float, Vector]]


@dataclass
class Stretch:
    """Neighbouring parameters at the moment of a step; all arrays are flat, of one length and the network's precision.

    Args:
        direction: d.
        previous: the change that the last step made to each; the change of this step goes there.
        parameters: the parameters; the change is added to them.
        slots: what the optimizer keeps, in the order of `Optimizer.slots`; zeros before the first step.
        rate: learning rate of the step, the layer's factor included.
        number: number of the step since the optimizer began, from 1.
        bias: True for biases, False for weights.
    """

    direction: Array
    previous: Array
    parameters: Array
    slots: tuple[Array, ...]
    rate: float
    number: int
    bias: bool


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """Makes the steps of a network's parameters; override `slots` and `step`.

    Args:
        clip_norm: bound on the Euclidean norm of the direction over all parameters: a longer one is scaled down to it
            (R. Pascanu et al., "On the difficulty of training recurrent neural networks", 2013); None for no bound.
        clip_value: bound on the magnitude of each element of the direction, applied before `clip_norm`; None for none.

    Raises:
        TypeError, ValueError: an argument out of its range.
    """

    #: Names of what is kept for each parameter.
    slots: ClassVar[tuple[str, ...]] = ()

    clip_norm: float | None = None
    clip_value: float | None = None

    def __post_init__(self) -> None:
        for name in ("clip_norm", "clip_value"):
            require_bound(name, getattr(self, name))

    @abstractmethod
    def step(self, stretch: Stretch) -> None:
        """Make the step of some parameters: write the change to ``stretch.previous``, add it to ``stretch.parameters``.

        Called for any stretches that together are the network's parameters without the frozen ones, in any order.
        """


@dataclass(frozen=True)
class Minimizer(ABC):
    """Lowers the cost of each batch, regularization included, by several evaluations; override `minimize`.

    Every batch is begun anew: nothing is kept from step to step.

    Args:
        iterations: inner iterations per training step.

    Raises:
        TypeError, ValueError: an argument out of its range.
    """

    iterations: int = 1

    def __post_init__(self) -> None:
        require_count("iterations", self.iterations)

    @abstractmethod
    def minimize(self, objective: Objective, start: Vector, rate: float) -> Vector:
        """Parameters with a lower loss.

        Args:
            objective: gives loss and gradient. All evaluations of a step see the same random draws.
            start: the parameters, flat; not to be changed.
            rate: learning rate of the step; those that search for a step's length need none.

        Returns:
            The parameters found, same shape. All replicas of a network must find the same: no random numbers.
        """
