"""What a cost is: a scalar term per output unit, summed over the units of an example, averaged over examples.

`apply(output, target)` is the term of one unit, `derivative(output, target)` its slope in the output. Both are scalar
Python that the compiler reads, under the same rules as a neuron's methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..errors import NeuronError


class Cost(ABC):
    """A cost: cost(example) = Σ over units of ``apply(output, target)``."""

    @abstractmethod
    def apply(self, output: float, target: float) -> float:
        """The term of one output unit."""

    @abstractmethod
    def derivative(self, output: float, target: float) -> float:
        """∂ apply / ∂ output."""

    def over_normalized_outputs(self) -> Cost:
        """The same cost where the outputs are one distribution over the units (Softmax). Itself unless overridden."""
        return self


def as_cost(cost: Cost | type[Cost]) -> Cost:
    """A cost object, from an object or a class without arguments.

    Raises:
        NeuronError: `cost` is neither.
    """
    if isinstance(cost, type) and issubclass(cost, Cost):
        cost = cost()
    if not isinstance(cost, Cost):
        raise NeuronError(
            f"a cost must be a Cost or a subclass of it, got {cost!r}: pass a class or an object, such as "
            "CrossEntropy, or write a subclass with apply and derivative"
        )
    return cost
