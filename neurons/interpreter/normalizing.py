"""Interlayer functions, called with whose fault it is where they fail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..interlayer import Interlayer
from .blame import blaming

Vector = NDArray[np.floating]


def normalized(incoming: Interlayer, outputs: Vector) -> Vector:
    """The normalization of each example. Shapes (examples, units) → (examples, units)."""
    with blaming(str(incoming)):
        return incoming.apply_batch(outputs)


def before_normalization(incoming: Interlayer, outputs: Vector, results: Vector, gradients: Vector) -> Vector:
    """∂cost/∂output of the layer before, from ∂cost/∂normalized. All shapes (examples, units)."""
    with blaming(str(incoming)):
        return incoming.backward_batch(outputs, results, gradients)
