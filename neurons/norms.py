"""The bound on the norm of a neuron's incoming weights (Hinton et al., arXiv:1207.0580, section 2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .spec import NetworkSpec


def limit_norms(spec: NetworkSpec, parameters: NDArray[np.float32], part: int, parts: int) -> None:
    """Scale down, in place, the receivers whose incoming weights' Euclidean norm exceeds ``spec.max_norm``.

    Biases and frozen weights are exempt. A no-op where ``max_norm`` is None.

    Args:
        spec: the network.
        parameters: flat array of ``spec.size``.
        part: which share of every block's receivers to look at, in [0, parts).
        parts: number of shares.
    """
    if spec.max_norm is None:
        return
    for block in spec.blocks:
        if block.frozen:
            continue
        share = slice(block.columns * part // parts, block.columns * (part + 1) // parts)
        weights = block.weights(parameters)[:, share]
        norms = np.sqrt(np.einsum("sr,sr->r", weights, weights, dtype=np.float64))
        long = np.flatnonzero(norms > spec.max_norm)
        if long.size:
            weights[:, long] *= (spec.max_norm / norms[long]).astype(weights.dtype)
