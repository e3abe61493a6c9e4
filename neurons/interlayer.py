"""Normalization of a layer's outputs (Horn paper, section 2.3): a function from vector to vector.

An interlayer function is a layer of its own, connected one to one and without weights: its neurons get
``g(outputs)[i]`` as their one message, and what they send back goes through the Jacobian of g to the layer before.
The Jacobian is given by the user (`backward`), or derived by central differences in float64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import NeuronError, definition

if TYPE_CHECKING:
    from .costs.base import Cost

Vector = NDArray[np.floating]


class Interlayer(ABC):
    """A normalization of a layer's output vector."""

    #: True where the outputs are a distribution: non-negative, with sum 1.
    normalized: bool = False

    @abstractmethod
    def apply(self, output: NDArray[np.floating]) -> NDArray[np.floating]:
        """The normalized vector.

        Args:
            output: the layer's outputs for one example, shape (units,).
        """

    def backward(self, output: Vector, normalized: Vector, gradient: Vector) -> Vector:
        """Jacobianᵀ · gradient: ∂cost/∂output from ∂cost/∂normalized, by central differences unless overridden.

        Args:
            output: the layer's outputs, shape (units,).
            normalized: what `apply` made of them, shape (units,).
            gradient: ∂cost/∂normalized, shape (units,).

        Cost: two calls of `apply` per unit. The step ε = ∛(machine epsilon) · max(1, |x|) leaves an error of about
        1e-10 of the value, far below float32.
        """
        point = output.astype(np.float64)
        steps = np.cbrt(np.finfo(np.float64).eps) * np.maximum(1.0, np.abs(point))
        result = np.empty_like(output)
        for unit, step in enumerate(steps):
            ahead, behind = point.copy(), point.copy()
            ahead[unit] += step
            behind[unit] -= step
            slope = (np.asarray(self.apply(ahead)) - np.asarray(self.apply(behind))) / (ahead[unit] - behind[unit])
            result[unit] = slope @ gradient
        return result

    def apply_batch(self, outputs: Vector) -> Vector:
        """`apply` for each example. Shapes (examples, units) → (examples, units)."""
        normalized = np.empty_like(outputs)
        for example, output in enumerate(outputs):
            normalized[example] = self._vector(self.apply(output), len(output), "apply")
        return normalized

    def backward_batch(self, outputs: Vector, normalized: Vector, gradients: Vector) -> Vector:
        """`backward` for each example. All shapes (examples, units)."""
        result = np.empty_like(outputs)
        for example, row in enumerate(zip(outputs, normalized, gradients, strict=True)):
            result[example] = self._vector(self.backward(*row), outputs.shape[1], "backward")
        return result

    def __str__(self) -> str:
        return f"interlayer {type(self).__qualname__}"

    def source(self, method: str) -> object:
        """The user's function behind `method`, "apply" or "backward": what an error points at."""
        return getattr(type(self), method)

    def _vector(self, result: object, units: int, method: str) -> NDArray[np.floating]:
        """What the user's function returned, as a vector of so many units."""
        vector = np.asarray(result)
        if vector.shape != (units,) or vector.dtype.kind not in "fiub":
            seen = f"shape {vector.shape}, {vector.dtype}"
            raise NeuronError(
                f"{self}: {method} must return a vector of numbers for the layer's {units} units, got {seen}",
                definition(self.source(method)),
            )
        return vector

    def fused_gradient(self, cost: Cost) -> bool:
        """True where ∂cost/∂output, through this normalization, is ``normalized - target``."""
        return False


class FunctionInterlayer(Interlayer):
    """An interlayer function given as a plain Python function of the output vector.

    Args:
        function: vector in, vector of the same length out.
        backward: ``backward(output, normalized, gradient)`` → ∂cost/∂output; derived where it is None.
    """

    def __init__(
        self,
        function: Callable[[NDArray[np.floating]], NDArray[np.floating]],
        backward: Callable[[Vector, Vector, Vector], Vector] | None = None,
    ) -> None:
        self.function = function
        self.jacobian = backward

    def __str__(self) -> str:
        return f"interlayer function {getattr(self.function, '__qualname__', self.function)}"

    def source(self, method: str) -> object:
        return self.function if method == "apply" else self.jacobian

    def apply(self, output: NDArray[np.floating]) -> NDArray[np.floating]:
        return self.function(output)

    def backward(self, output: Vector, normalized: Vector, gradient: Vector) -> Vector:
        if self.jacobian is None:
            return super().backward(output, normalized, gradient)
        return self.jacobian(output, normalized, gradient)
