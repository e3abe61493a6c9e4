"""What neurons keep from batch to batch: a number of each neuron, a number of each of its outgoing synapses.

In training every example of a batch starts at the value from before the batch, whatever the others do. What it leaves
at the end of its methods counts as its change d = left - before, and the changes of the JOB's batch are reduced:

    "mean"   value += Σ d / examples of the job's batch       (an example that leaves the value alone counts 0)
    "sum"    value += Σ d
    "last"   value += d of the job's last example             (the one with the highest position in the batch)

The same for any number of workers and threads. In prediction the value is read; what a method writes there holds for
that example only. The bias sender of a layer reads a neuron's initial value, and what it writes is discarded.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, overload

from .errors import NeuronError

#: How the changes of a batch's examples become one.
REDUCTIONS = ("mean", "sum", "last")


class Declared:
    """A number that neurons keep, as the class attribute that declares it.

    Args:
        initial: where it starts; ``add_layer(..., name=value)`` starts one layer elsewhere.
        reduce: "mean", "sum" or "last": what becomes of the changes that a batch's examples make.

    Raises:
        NeuronError: `initial` is no finite number, or `reduce` none of the three.
    """

    def __init__(self, initial: float = 0.0, reduce: str = "mean") -> None:
        kind = type(self).__name__
        self.initial = finite(initial, f"{kind}(initial)")
        if reduce not in REDUCTIONS:
            raise NeuronError(f'{kind}(initial, reduce) must say "mean", "sum" or "last", got reduce={reduce!r}')
        self.reduce = reduce
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.initial:g}, {self.reduce!r})"


class State(Declared):
    """A number that each neuron of a layer keeps from batch to batch, read and written as ``self.x``.

    ::

        class Homeostatic(Neuron):
            threshold = State(0.0)                      # goes to the mean of what the examples leave

            def forward(self, messages):
                total = sum(m.input * m.weight for m in messages)
                y = self.activation(total - self.threshold)
                self.threshold += self.rate * (y - self.target)
                self.feedforward(y)
    """

    @overload
    def __get__(self, neuron: None, owner: type) -> State: ...
    @overload
    def __get__(self, neuron: object, owner: type) -> float: ...
    def __get__(self, neuron: Any, owner: type) -> State | float:
        if neuron is None:
            return self
        value: float = vars(neuron).get(self.name, self.initial)
        return value

    def __set__(self, neuron: object, value: float) -> None:
        vars(neuron)[self.name] = value


class SynapseState(Declared):
    """A number of each OUTGOING synapse, kept from batch to batch, read and written as ``m.x``: traces, moments.

    It belongs in a loop over backward's messages, all uses in one loop: a read after a write sees what was written for
    that example and message. The bias's synapses have theirs, too. Where the outgoing connection has no weights (an
    output layer, a layer before a normalization) it reads as the initial value, and what is written is discarded, as
    is a push.

    Cost: a loop that uses one is no matrix product. Each example goes through every synapse, one by one.
    """

    def __get__(self, neuron: object, owner: type) -> SynapseState:
        if neuron is None:
            return self
        raise AttributeError(
            f"{self.name} is a SynapseState, a number of each synapse: write m.{self.name} in the loop over "
            "backward's messages"
        )


def finite(value: Any, what: str) -> float:
    """A finite number.

    Raises:
        NeuronError: it is none; `what` says what was given.
    """
    if not isinstance(value, Real) or not math.isfinite(value):
        raise NeuronError(f"{what} must be a finite number, got {value!r}")
    return float(value)


def declared_states(cls: type, reserved: frozenset[str], fields: frozenset[str]) -> dict[str, Declared]:
    """What the neurons of a class keep, by name, bases first, each in the order of its declaration.

    Args:
        cls: the class.
        reserved: names that Horn sets on a neuron.
        fields: names of what messages have.

    Raises:
        NeuronError: a name that means something already, one `State` by two names, or one without an initial value.
    """
    found: dict[str, Declared] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, type) and issubclass(value, Declared):
                raise NeuronError(f"{cls.__name__}.{name} lacks its initial value: {name} = {value.__name__}(0.0)")
            if not isinstance(value, Declared):
                found.pop(name, None)
                continue
            kind = type(value).__name__
            taken = fields if isinstance(value, SynapseState) else reserved
            if name in taken:
                raise NeuronError(f"{cls.__name__}.{name} is set by Horn and cannot be a {kind}: use another name")
            if value.name != name:
                raise NeuronError(
                    f"{cls.__name__}.{name} is the {kind} that is also named {value.name!r}: declare one for each name"
                )
            found[name] = value
    return found
