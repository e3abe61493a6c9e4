"""What a neuron receives: one object for every synapse. All its numbers are of the network's precision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .numbers import Numbers


def _every_trial(n: int, p: float) -> float:
    return float(n)


@dataclass(frozen=True, slots=True)
class Forward:
    """A message over an incoming synapse (see `neuron.ForwardMessage`).

    `draw` gives the synapse's draw of ``binomial(n, p)``; that of the bias, and where there are no weights, is n.
    """

    input: float
    weight: float
    sender: int
    is_bias: bool = False
    draw: Callable[[int, float], float] = field(default=_every_trial, repr=False)

    def binomial(self, n: int, p: float) -> float:
        """See `neuron.ForwardMessage.binomial`."""
        return self.draw(n, p)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a forward message has no {name!r}; it has input, weight, sender, is_bias, binomial (a SynapseState "
            "belongs to the sender: backward's messages have it)"
        )


@dataclass(frozen=True, slots=True)
class Backward:
    """A message back over an outgoing synapse (see `neuron.BackwardMessage`)."""

    delta: float
    weight: float
    prev_weight: float
    receiver: int
    is_bias: bool
    input_gradient: float
    weight_gradient: float


def keeping(names: Collection[str], numbers: Numbers) -> type[Backward]:
    """The class of the messages over synapses that keep `numbers` by these names: attributes that can be set."""

    def set_kept(self: Backward, name: str, value: Any) -> None:
        if name not in names:
            raise AttributeError(f"m.{name} cannot be set: declare {name} = SynapseState(...) in the class")
        object.__setattr__(self, name, numbers.number(value, f"m.{name}"))

    return type(Backward.__name__, (Backward,), {"__slots__": tuple(names), "__setattr__": set_kept})


M = TypeVar("M", Forward, Backward)


class Messages(Generic[M]):
    """What a method iterates over. It knows which message is at hand: the last one that a running loop was given."""

    def __init__(self, messages: Sequence[M]) -> None:
        self._messages: Sequence[M] = messages
        self.current: M | None = None

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[M]:
        outer = self.current
        try:
            for message in self._messages:
                self.current = message
                yield message
        finally:  # also where the loop is left by break: its iterator is closed at once
            self.current = outer
