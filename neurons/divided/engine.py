"""What executes one task's share of a divided network: the contract of `Engine`, on the task's own flat array."""

from __future__ import annotations

import importlib

import numpy as np
from numpy.typing import NDArray

from ..engine import Engine
from .exchange import Exchange
from .meeting import Meeting
from .share import Share


class DividedEngine(Engine):
    """Executes one task's share of a network. All tasks call the same methods in the same order.

    Every task gets the same inputs, targets and batches, and gives back the same outputs and scores. Flat arrays are
    the task's: D, ranges and shares of receivers count within them.

    Args:
        share: what the task holds.
        exchange: carries data between the tasks.
        parameters: flat array of ``share.size`` numbers of ``share.spec.precision``, changed in place.
        previous: the same; the change that the last step made to each parameter.
        seed: seed of the random draws, the same for all tasks.
        training: False builds what prediction needs and no more.

    Raises:
        NeuronError: a neuron, activation or cost that cannot be run; before any step.
        ValueError: arrays of another precision or length, an exchange that is not the share's task's.
    """

    def __init__(
        self,
        share: Share,
        exchange: Exchange,
        parameters: NDArray[np.floating],
        previous: NDArray[np.floating],
        *,
        seed: int,
        training: bool = True,
    ) -> None:
        super().__init__(share.spec, parameters, previous, seed=seed, training=training)
        for name, array in (("parameters", parameters), ("previous", previous)):
            if array.shape != (share.size,):
                raise ValueError(f"task {share.index} holds {share.size} {name}, got an array of shape {array.shape}")
        self.share = share
        self.meeting = Meeting(share, exchange)


#: Name → module and class, as in `engines`.
_ENGINES = {"compiled": ("compiled", "DividedCompiled"), "interpreter": ("interpreted", "DividedInterpreter")}


def divided_engine_named(name: str) -> type[DividedEngine]:
    """The engine class for a divided network.

    Args:
        name: "compiled" or "interpreter".

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, sorted(_ENGINES)))}, got {name!r}")
    module, cls = _ENGINES[name]
    found: type[DividedEngine] = getattr(importlib.import_module(f".{module}", __package__), cls)
    return found
