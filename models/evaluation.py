"""Prediction and scoring of many examples, a block of them at a time: the memory needed does not grow with the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Engine, Score

from .feeding.examples import Examples
from .feeding.features import Features
from .parts import bounds

#: Examples computed together.
BLOCK = 1024


def predict(engine: Engine, features: Features, block: int = BLOCK) -> NDArray[np.floating]:
    """Outputs of the last layer, (examples, units), in the network's precision.

    Args:
        engine: runs the network.
        features: the inputs.
        block: examples computed together.
    """
    outputs = np.empty((len(features), engine.spec.layers[-1].units), engine.spec.precision)
    for start in range(0, len(features), block):
        stop = min(start + block, len(features))
        outputs[start:stop] = engine.predict(features.rows(start, stop), first=start)
    return outputs


def score_part(engine: Engine, examples: Examples, part: int = 0, parts: int = 1, block: int = BLOCK) -> Score:
    """Loss and accuracy, summed over one of `parts` contiguous parts of the examples."""
    begin, end = bounds(len(examples), parts)[part : part + 2]
    total = Score(0.0, 0, 0)
    for start in range(begin, end, block):
        stop = min(start + block, end)
        total += engine.score(examples.features.rows(start, stop), examples.targets[start:stop], first=start)
    return total
