"""The arrays that one layer works in, allocated for the largest batch and seen through views of the size at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .nir import Type

_DTYPES: dict[Type, Any] = {Type.FLOAT: np.float32, Type.INT: np.int64, Type.BOOL: np.bool_}


class Buffers:
    """Arrays of one layer, named as in `writer`.

    Args:
        units: number of neurons.
        state: what the layer's class keeps per example, by name, with types.
    """

    def __init__(self, units: int, state: dict[str, Type]) -> None:
        self.units = units
        self.dtypes: dict[str, Any] = dict.fromkeys(("S", "G", "B", "L", "O", "A"), np.float32)
        self.dtypes |= {f"K_{name[5:]}": _DTYPES[kind] for name, kind in state.items()}
        self.storage: dict[str, NDArray[Any]] = {}
        self.capacity = 0
        self.shape = (0, 0)
        self.views: dict[str, NDArray[Any]] = {}

    def arrays(self, examples: int, neurons: int) -> dict[str, NDArray[Any]]:
        """The views for so many examples and neurons; contents undefined but for the 1 in column 0 of O."""
        if (examples, neurons) == self.shape:
            return self.views
        if examples > self.capacity:
            self.capacity = examples
            self.storage = {name: np.empty(examples * (self.units + 1), dtype) for name, dtype in self.dtypes.items()}
        self.shape = (examples, neurons)
        self.views = {}
        for name, flat in self.storage.items():
            columns = neurons + 1 if name in ("O", "A") else neurons
            self.views[name] = flat[: examples * columns].reshape(examples, columns)
        self.views["O"][:, 0] = 1.0
        return self.views
