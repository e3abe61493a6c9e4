"""Random numbers for one run of a method, numbered in the order in which it draws them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from .. import random
from ..errors import NeuronError
from .blame import calling_line
from .numbers import Numbers


@dataclass(frozen=True)
class Place:
    """What a draw depends on besides the neuron and the number of the draw (see `random`).

    Args:
        key: the Philox key of seed and phase.
        step: number of the training step; 0 in prediction.
        position: the example's position in the job's batch.
        lane: what takes its place for `binomial`.
        nested: True where the position's own draw is joined with that of the lane.
    """

    key: tuple[np.uint32, np.uint32]
    step: int
    position: int
    lane: int
    nested: bool = False


class Draws:
    """The draws of one neuron in one run of a method.

    Args:
        neuron: the network-wide id of the neuron.
        place: the rest of the counter.
        method: ``random.FORWARD`` or ``random.BACKWARD``.
        numbers: what the draws are given in.
        exempt: True for the bias: its `binomial` always succeeds.
    """

    def __init__(self, neuron: int, place: Place, method: int, numbers: Numbers, *, exempt: bool) -> None:
        self._neuron = neuron
        self._place = place
        self._numbers = count(method)
        self._exempt = exempt
        self.numbers = numbers

    def _counter(self, position: int) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32]:
        # One type for every word: another would make numba compile the functions anew.
        word, (low, high) = np.uint32, self._place.key
        return word(self._neuron), word(position), word(self._place.step), word(next(self._numbers)), low, high

    def binomial(self, n: int, p: float) -> float:
        """See `Neuron.binomial`."""
        neuron, lane, *rest = self._counter(self._place.lane)
        trials, chance = trials_and_chance(self.numbers, n, p)
        if self._exempt:
            return trials
        bits = random.shared_word(neuron, lane, np.uint32(self._place.position), self._place.nested, *rest)
        return self.numbers.real(random.binomial_of(bits, int(trials), chance))

    def of_worker(self, p: float) -> bool:
        """Whether ``binomial(1, p)`` may succeed for any example of the lane; instead of that draw."""
        bits = random.word(*self._counter(self._place.lane))
        return bool(random.bernoulli_of(random.joint(bits, np.uint32(0)) if self._place.nested else bits, p))

    def uniform(self, a: float, b: float) -> float:
        """See `Neuron.uniform`."""
        counter = self._counter(self._place.position)
        low, high = (self.numbers.number(bound, "uniform(a, b)") for bound in (a, b))
        return self.numbers.real(random.uniform(*counter, low, high))

    def normal(self, mu: float, sigma: float) -> float:
        """See `Neuron.normal`."""
        counter = self._counter(self._place.position)
        mean, deviation = (self.numbers.number(given, "normal(mu, sigma)") for given in (mu, sigma))
        return self.numbers.real(random.normal(*counter, mean, deviation))


@dataclass(frozen=True)
class SynapseDraw:
    """The draw of one synapse, ``m.binomial(n, p)``.

    Args:
        sender, receiver: the network-wide ids of the neurons at its ends.
        place: the rest of the counter.
        numbers: what the draw is given in.
    """

    sender: np.uint32
    receiver: np.uint32
    place: Place
    numbers: Numbers

    def __call__(self, n: int, p: float) -> float:
        word, place, (low, high) = np.uint32, self.place, self.place.key
        trials, chance = trials_and_chance(self.numbers, n, p)
        where = word(place.lane), word(place.position), place.nested, word(place.step)
        bits = random.synapse_word(self.sender, self.receiver, *where, low, high)
        return self.numbers.real(random.binomial_of(bits, int(trials), chance))


def trials_and_chance(numbers: Numbers, n: int, p: float) -> tuple[float, float]:
    """The arguments of a `binomial` draw, as numbers.

    Raises:
        NeuronError: they are none, or none that can be drawn from.
    """
    trials, chance = numbers.number(n, "binomial(n, p)"), numbers.number(p, "binomial(n, p)")
    if trials < 0 or trials != int(trials):
        raise NeuronError(f"binomial(n, p): n must be a whole number of trials, got {trials}", calling_line())
    if not 0 <= chance <= 1:
        raise NeuronError(f"binomial(n, p): p must be in [0, 1], got {chance}", calling_line())
    return trials, chance
