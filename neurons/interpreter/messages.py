"""What a neuron receives: one object for every synapse. All its numbers are ``np.float32``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Forward:
    """A message over an incoming synapse (see `neuron.ForwardMessage`)."""

    input: float
    weight: float
    sender: int
    is_bias: bool = False


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
