"""The arrays that one layer works in, allocated for the largest batch and seen through views of the size at hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...aligned import aligned
from ...spec import Precision
from ..nir.expressions import Type


def dtypes(precision: Precision) -> dict[Type, Any]:
    """NumPy's types for those of the NIR, in a network of this precision."""
    return {Type.FLOAT: precision, Type.INT: np.int64, Type.BOOL: np.bool_}


@dataclass(frozen=True)
class Array:
    """An array of a layer, declared.

    Args:
        shape: an attribute of `Sizes` for each dimension.
        dtype: of its elements.
    """

    shape: tuple[str, ...]
    dtype: Type = Type.FLOAT


PER_NEURON = "examples", "neurons"
PER_SENDER = "examples", "columns"
#: What every layer has; see `signatures`.
USUAL = (
    dict.fromkeys(("S", "G", "B", "L"), Array(PER_NEURON))
    | dict.fromkeys(("O", "A"), Array(PER_SENDER))
    | {"H": Array(("examples", "one"))}
)


@dataclass(frozen=True)
class Sizes:
    """The numbers that shapes are made of.

    Args:
        examples: examples of the batch.
        neurons: neurons of the layer that take part.
        senders: rows of the matrix of its incoming weights, the bias included; 1 where it has none.
        receivers: columns of the matrix of its outgoing weights; 1 where it has none.
    """

    examples: int
    neurons: int
    senders: int
    receivers: int

    @property
    def columns(self) -> int:
        """The neurons as senders: with the layer's bias sender."""
        return self.neurons + 1

    @property
    def one(self) -> int:
        """The bias sender alone."""
        return 1

    def shape(self, array: Array) -> tuple[int, ...]:
        """The array's shape in numbers."""
        return _getter(array.shape)(self)


@lru_cache(maxsize=64)
def _getter(names: tuple[str, ...]) -> Callable[[Sizes], tuple[int, ...]]:
    if len(names) == 1:
        one = attrgetter(*names)
        return lambda sizes: (one(sizes),)
    return attrgetter(*names)


class Buffers:
    """Arrays of one layer.

    Args:
        declared: the arrays by name.
        precision: the network's.
    """

    def __init__(self, declared: Mapping[str, Array], precision: Precision) -> None:
        self.declared = declared
        self.dtypes = dtypes(precision)
        self.storage: dict[str, NDArray[Any]] = {}
        self.whole: Sizes | None = None
        self.sizes: Sizes | None = None
        self.views: dict[str, NDArray[Any]] = {}

    def arrays(self, sizes: Sizes, whole: Sizes) -> dict[str, NDArray[Any]]:
        """The views of one size; contents undefined but for the 1 in column 0 of O.

        Args:
            sizes: of the batch and of what takes part in it.
            whole: the same with all that could take part, for which storage is allocated.
        """
        if sizes == self.sizes:
            return self.views
        if self.whole is None or sizes.examples > self.whole.examples:
            self.whole = whole
            self.storage = {
                name: aligned(math.prod(whole.shape(array)), self.dtypes[array.dtype])
                for name, array in self.declared.items()
            }
        self.sizes = sizes
        self.views = {}
        for name, array in self.declared.items():
            shape = sizes.shape(array)
            self.views[name] = self.storage[name][: math.prod(shape)].reshape(shape)
        if "O" in self.views:
            self.views["O"][:, 0] = 1.0
        return self.views
