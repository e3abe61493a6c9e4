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
    """

    key: tuple[np.uint32, np.uint32]
    step: int
    position: int
    lane: int


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
        counter = self._counter(self._place.lane)
        number = self.numbers.number
        trials, chance = number(n, "binomial(n, p)"), number(p, "binomial(n, p)")
        if trials < 0 or trials != int(trials):
            raise NeuronError(f"binomial(n, p): n must be a whole number of trials, got {trials}", calling_line())
        if not 0 <= chance <= 1:
            raise NeuronError(f"binomial(n, p): p must be in [0, 1], got {chance}", calling_line())
        return trials if self._exempt else self.numbers.real(random.binomial(*counter, int(trials), chance))

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
