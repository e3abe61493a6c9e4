"""Random numbers for an augmentation: each example has its own, wherever and with whomever it is computed.

Counter-based (Philox, see `horn.neurons.random`): a number depends on the network's seed, the training step, the
example's position in the job's batch, and which number of which call it is. So a part of a batch gets the same numbers
as the whole batch does for these examples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from horn.neurons import random
from horn.neurons.jit import kernel

from ..streams import AUGMENTATION, generator

#: Shape of what one example gets.
Size: TypeAlias = int | tuple[int, ...]


@kernel
def _fill(words: Any, positions: Any, step: Any, call: Any, k0: Any, k1: Any) -> None:
    """Four words to a block of the generator."""
    for e in range(words.shape[0]):
        for block in range(words.shape[1] // 4):
            w0, w1, w2, w3 = random.philox(block, positions[e], step, call, k0, k1)
            words[e, 4 * block], words[e, 4 * block + 1] = w0, w1
            words[e, 4 * block + 2], words[e, 4 * block + 3] = w2, w3


def _shape(size: Size) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)


@lru_cache(maxsize=16)
def _key(seed: int) -> tuple[np.uint32, np.uint32]:
    first, second = generator(seed, AUGMENTATION, 0).integers(2**32, size=2, dtype=np.uint32)
    return first, second


class ExampleDraws:
    """What an augmentation draws from. Every method gives an array whose first dimension counts the examples.

    Which methods are called, how often and in which order, must not depend on how many examples there are or on what
    they hold: then an example gets the same numbers for any number of workers.

    Args:
        seed: the network's seed.
        step: number of the training step.
        positions: of the examples in the job's batch, uint32 (examples,).
    """

    def __init__(self, seed: int, step: int, positions: NDArray[np.uint32]) -> None:
        self._seed, self._step, self._positions = seed, step, positions
        self._key = _key(seed)
        self._calls = 0

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._positions)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = ()) -> NDArray[np.float32]:
        """Numbers from [low, high), float32.

        Args:
            low: the least.
            high: above the greatest; rounding may reach it.
            size: shape of what one example gets; () is one number.
        """
        units: NDArray[np.float32] = (self._words(size) >> np.uint32(8)).astype(np.float32)
        units *= np.float32((high - low) * 2.0**-24)
        units += np.float32(low)
        return units

    def normal(self, mean: float = 0.0, deviation: float = 1.0, size: Size = ()) -> NDArray[np.float32]:
        """Normally distributed numbers, float32; by the formula of Box and Muller.

        Args:
            mean: their mean.
            deviation: their standard deviation.
            size: shape of what one example gets; () is one number.
        """
        shape = _shape(size)
        count = math.prod(shape)
        half = -(-count // 2)  # two words make two numbers
        words = self._words(2 * half)
        radius = np.sqrt(-2.0 * np.log((words[:, :half].astype(np.float32) + 1.0) * np.float32(2.0**-32)))
        angle = words[:, half:].astype(np.float32) * np.float32(2.0 * math.pi * 2.0**-32)
        numbers = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        numbers *= np.float32(deviation)
        numbers += np.float32(mean)
        return numbers[:, :count].reshape(len(self), *shape)

    def integers(self, low: int, high: int, size: Size = ()) -> NDArray[np.int64]:
        """Whole numbers from [low, high), int64.

        Args:
            low: the least.
            high: one more than the greatest.
            size: shape of what one example gets; () is one number.

        Raises:
            ValueError: there is no such number, or there are more than 2³².
        """
        if not 0 < high - low <= 2**32:
            raise ValueError(f"integers needs low < high ≤ low + 2**32, got low={low} and high={high}")
        scaled = (self._words(size).astype(np.uint64) * np.uint64(high - low)) >> np.uint64(32)
        return low + scaled.astype(np.int64)

    def generators(self) -> Iterator[np.random.Generator]:
        """NumPy's generator for each example, for what the other methods lack; some 20 µs each."""
        call = self._next_call()
        for position in self._positions.tolist():
            key, counter = [self._seed % 2**64, AUGMENTATION], [0, call, position, self._step + 1]
            yield np.random.Generator(np.random.Philox(key=key, counter=counter))

    def _words(self, size: Size) -> NDArray[np.uint32]:
        """Random words of 32 bits, shape (examples, *size)."""
        shape = _shape(size)
        count = math.prod(shape)
        words = np.empty((len(self), -(-count // 4) * 4), np.uint32)
        step, call = np.uint32(self._step & 0xFFFFFFFF), np.uint32(self._next_call())
        _fill(words, self._positions, step, call, *self._key)
        return words[:, :count].reshape(len(self), *shape)

    def _next_call(self) -> int:
        self._calls += 1
        return self._calls - 1
