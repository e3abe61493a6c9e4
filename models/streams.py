"""Random numbers outside of the neurons: initial weights, the order of the examples, strategies, data.

Each use has a stream of its own, so that none shifts another: Philox keyed by the network's seed and the stream, its
counter set by what is drawn for (a block of weights, an epoch, a worker). Nothing is stored or advanced between draws,
and every process draws the same.
"""

from __future__ import annotations

import numpy as np

WEIGHTS, SHUFFLE, SAMPLING, STRATEGY, SPLIT, AUGMENTATION = range(6)


def generator(seed: int, stream: int, index: int) -> np.random.Generator:
    """The random numbers of one use.

    Args:
        seed: the network's seed, any integer, taken modulo 2**64.
        stream: which use, one of those above.
        index: which block, epoch, step or worker, from 0.
    """
    # the low words of the counter advance while drawing; the index stands above whatever they reach
    philox = np.random.Philox(key=[seed % 2**64, stream], counter=[0, 0, index, 0])
    return np.random.Generator(philox)
