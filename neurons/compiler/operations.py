"""What a layer's method is made of when it runs: kernels and matrix products, one after the other, on named arrays.

The names are those of `writer`; `buffers` holds the arrays, `passes` fills in what differs from step to step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .gemm import gemm_for

#: Arrays and numbers by name.
Values = Mapping[str, Any]


class Operation(ABC):
    """One call of machine code."""

    @abstractmethod
    def run(self, values: Values) -> None:
        """Make the call with the values that it names."""


@dataclass(frozen=True)
class Kernel(Operation):
    """One emitted function.

    Args:
        name: its name in the generated module.
        function: the compiled function.
        arguments: the names of its arguments, in order.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def run(self, values: Values) -> None:
        self.function(*[values[name] for name in self.arguments])


@dataclass(frozen=True)
class Product(Operation):
    """Sums over the messages of all neurons and examples as one matrix product.

    Args:
        function: `gemm.forward_sums` or `gemm.backward_sums`.
        left: name of what differs between examples: the senders' outputs, the receivers' deltas, or a map of them.
        right: name of what differs between neurons: the weights, or a map of them.
        out: name of the sums.
    """

    function: Callable[..., None]
    left: str
    right: str
    out: str

    def run(self, values: Values) -> None:
        out = values[self.out]
        self.function(gemm_for(out), values[self.left], values[self.right], out)


#: A method of a layer's neurons, all examples at once.
Method = tuple[Operation, ...]
