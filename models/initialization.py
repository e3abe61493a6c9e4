"""Initial weights: their variance keeps signals of the same size from layer to layer.

- before ReLU and GELU, and classes derived from them: normal with variance 2 / senders (K. He et al., "Delving deep
  into rectifiers", 2015): half of what arrives is cut off;
- otherwise: uniform in ±√(6 / (senders + receivers)) (X. Glorot, Y. Bengio, "Understanding the difficulty of training
  deep feedforward neural networks", 2010).

Biases begin at 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from horn.neurons import GELU, NetworkSpec, ReLU

from .streams import WEIGHTS, generator


def initial_parameters(spec: NetworkSpec, seed: int) -> NDArray[np.float32]:
    """The flat array of a new network's parameters, shape (``spec.size``,)."""
    parameters = np.zeros(spec.size, np.float32)
    for number, block in enumerate(spec.blocks):
        random = generator(seed, WEIGHTS, number)
        weights = block.weights(parameters)
        senders, receivers = weights.shape
        if isinstance(spec.layers[block.layer].activation, ReLU | GELU):
            weights[:] = random.standard_normal(weights.shape, np.float32) * np.float32(math.sqrt(2 / senders))
        else:
            bound = math.sqrt(6 / (senders + receivers))
            weights[:] = random.uniform(-bound, bound, weights.shape)
    return parameters
