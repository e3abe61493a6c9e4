"""The bound on the norm of a neuron's incoming weights (Hinton et al., arXiv:1207.0580, section 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .spec import Block


def limit_norms(
    blocks: Sequence[Block], limit: float | None, parameters: NDArray[np.floating], part: int, parts: int
) -> None:
    """Scale down, in place, the receivers whose incoming weights' Euclidean norm exceeds the limit.

    Biases and frozen weights are exempt. A no-op where there is no limit.

    Args:
        blocks: the weights: all that lead to a receiver.
        limit: ``spec.max_norm``.
        parameters: the flat array in which they lie.
        part: which share of every block's receivers to look at, in [0, parts).
        parts: number of shares.
    """
    if limit is None:
        return
    for block in blocks:
        if block.frozen:
            continue
        share = slice(block.columns * part // parts, block.columns * (part + 1) // parts)
        weights = block.weights(parameters)[:, share]
        norms = np.sqrt(np.einsum("sr,sr->r", weights, weights, dtype=np.float64))
        long = np.flatnonzero(norms > limit)
        if long.size:
            weights[:, long] *= (limit / norms[long]).astype(weights.dtype)
