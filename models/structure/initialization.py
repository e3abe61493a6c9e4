"""Initial weights: uniform in ±√(6 / (senders + receivers)), biases 0.

So the variance of signals and of deltas stays about the same from layer to layer (X. Glorot, Y. Bengio, "Understanding
the difficulty of training deep feedforward neural networks", 2010). Before ReLU, twice that variance is usual (He et
al., 2015); with dropout it did worse: 784-512-512-10, 20 workers with sub-models, 10,000 iterations, test accuracy of
three seeds 0.9827 on average against 0.9835.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from horn.neurons import NetworkSpec

from ..streams import WEIGHTS, generator


def initial_parameters(spec: NetworkSpec, seed: int) -> NDArray[np.floating]:
    """The flat array of a new network's parameters and states, shape (``spec.size``,).

    In any precision the weights are float32 numbers.
    """
    parameters: NDArray[np.floating] = np.zeros(spec.size, np.float32)
    for number, block in enumerate(spec.blocks):
        weights = block.weights(parameters)
        bound = math.sqrt(6 / sum(weights.shape))
        weights[:] = generator(seed, WEIGHTS, number).uniform(-bound, bound, weights.shape)
    parameters = parameters.astype(spec.precision, copy=False)
    for state in spec.states:
        state.matrix(parameters)[:] = state.initial
    return parameters
