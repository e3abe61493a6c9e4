"""Batches whose examples do not share the draws of their synapses, computed one run of examples after the other.

The mask of a layer's synapses is a matrix like that of its weights. A pass has one of it, so that examples with masks
of their own cannot share a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...engine import Batch, Rates, Score

#: Computes D of some examples into an array, which it overwrites.
Gradient = Callable[[Batch, Rates, NDArray[np.floating]], Score]


def runs(batch: Batch) -> list[Batch]:
    """The batch in parts whose examples share all draws of synapses."""
    lanes = batch.lanes
    changes = np.ones(len(lanes) - 1, np.bool_) if batch.nested else lanes[1:] != lanes[:-1]
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(lanes)]
    return [batch.part(start, stop) for start, stop in pairwise(bounds)]


def sum_of_runs(compute: Gradient, batch: Batch, rates: Rates, out: NDArray[np.floating]) -> Score:
    """D of a batch as the sum over its runs.

    Args:
        compute: gives D of one of them.
        batch: the batch.
        rates: those of the step.
        out: D goes here, overwritten.
    """
    first, *others = runs(batch)
    score = compute(first, rates, out)
    own = np.empty_like(out) if others else out
    for run in others:
        score += compute(run, rates, own)
        np.add(out, own, out=out)
    return score
