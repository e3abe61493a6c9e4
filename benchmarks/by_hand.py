"""The other side of the comparison for neurons: the same steps written by hand with numba, SciPy's BLAS and NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import sgemm

from horn.neurons import random
from horn.neurons.random import bernoulli_of, words

Matrix = NDArray[np.float32]
SIZES = (784, 512, 512, 10)
KEEPS = (0.8, 0.5, 0.5, 1.0)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = numba.njit(nogil=True, error_model="numpy")(function)
    return compiled


@_compiled
def _inputs(x: Any, out: Any, mask: Any, scratch: Any, ids: Any, step: Any, k0: Any, k1: Any, keep: Any) -> None:
    for e in range(x.shape[0]):
        row = words(scratch, ids, e, step, np.uint32(0), k0, k1)
        for i in range(x.shape[1]):
            out[e, i + 1] = x[e, i] * bernoulli_of(row[i], keep)


@_compiled
def _hidden(sums: Any, out: Any, mask: Any, scratch: Any, ids: Any, step: Any, k0: Any, k1: Any, keep: Any) -> None:
    for e in range(sums.shape[0]):
        row = words(scratch, ids, e, step, np.uint32(0), k0, k1)
        for i in range(sums.shape[1]):
            drawn = bernoulli_of(row[i], keep)
            total = sums[e, i]
            mask[e, i] = drawn if total > np.float32(0.0) else np.float32(0.0)
            out[e, i + 1] = max(total, np.float32(0.0)) * drawn


@_compiled
def _softmax(sums: Any, labels: Any, deltas: Any) -> float:
    loss = 0.0
    for e in range(sums.shape[0]):
        largest = sums[e].max()
        total = np.float32(0.0)
        for i in range(sums.shape[1]):
            deltas[e, i] = math.exp(sums[e, i] - largest)
            total += deltas[e, i]
        for i in range(sums.shape[1]):
            deltas[e, i] /= total
        loss -= math.log(deltas[e, labels[e]])
        deltas[e, labels[e]] -= np.float32(1.0)
    return loss


@_compiled
def _times(deltas: Any, mask: Any) -> None:
    for e in range(deltas.shape[0]):
        for i in range(deltas.shape[1]):
            deltas[e, i] *= mask[e, i]


@_compiled
def _add(parameters: Any, previous: Any) -> None:
    for i in range(len(parameters)):
        parameters[i] += previous[i]


class DropoutStep:
    """One step of 784-512-512-10 with dropout 0.8/0.5 and momentum, a mask per example, in the paper's layout.

    Args:
        parameters: flat, each layer's matrix with the bias as row 0; changed in place.
        x, labels: the batch.
        seed: of the masks, which are those that Horn draws, so that both sides can be compared.
    """

    def __init__(self, parameters: Matrix, x: Matrix, labels: NDArray[np.int64], seed: int) -> None:
        self.x, self.labels, self.number = x, labels, 0
        self.parameters, self.previous = parameters, np.zeros_like(parameters)
        batch = len(x)
        self.outputs = [np.ones((batch, n + 1), np.float32) for n in SIZES]
        self.sums = [np.empty((batch, n), np.float32) for n in SIZES]
        self.masks = [np.empty((batch, n), np.float32) for n in SIZES]
        self.deltas = [np.empty((batch, n), np.float32) for n in SIZES]
        self.scratch = np.empty(2 * (max(SIZES) + 8), np.uint32)
        starts = [sum(n + 1 for n in SIZES[:layer]) + 1 for layer in range(4)]
        self.ids = [np.arange(start, start + n, dtype=np.uint32) for start, n in zip(starts, SIZES, strict=True)]
        self.key = random.key(seed, random.TRAIN)
        shapes = [(n + 1, m) for n, m in pairwise(SIZES)]
        ends = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
        places = [slice(start, stop) for start, stop in pairwise(ends)]
        self.weights = [parameters[place].reshape(shape) for place, shape in zip(places, shapes, strict=True)]
        self.changes = [self.previous[place].reshape(shape) for place, shape in zip(places, shapes, strict=True)]
        self.flat = [(parameters[place], self.previous[place]) for place in places]

    def __call__(self, rate: float = 0.01, momentum: float = 0.9) -> float:
        """One step; returns the sum of the examples' costs."""
        batch, step = len(self.x), np.uint32(self.number)
        self.number += 1
        for layer, kernel in enumerate((_inputs, _hidden, _hidden)):
            given = self.sums[layer] if layer else self.x
            out, mask = self.outputs[layer], self.masks[layer]
            kernel(given, out, mask, self.scratch, self.ids[layer], step, *self.key, np.float32(KEEPS[layer]))
            # BLAS sees the transposes of row-major matrices.
            sgemm(1.0, self.weights[layer].T, out.T, c=self.sums[layer + 1].T, overwrite_c=True)
        loss: float = _softmax(self.sums[3], self.labels, self.deltas[3])
        for layer in (2, 1, 0):
            deltas = self.deltas[layer + 1]
            if layer:
                weights = self.weights[layer][1:]
                sgemm(1.0, weights.T, deltas.T, c=self.deltas[layer].T, overwrite_c=True, trans_a=True)
                _times(self.deltas[layer], self.masks[layer])
            change = self.changes[layer].T
            outputs = self.outputs[layer].T
            sgemm(-rate / batch, deltas.T, outputs, momentum, change, trans_b=True, overwrite_c=True)
            _add(*self.flat[layer])
        return loss


def oja_step(weights: Matrix, x: Matrix, rate: float) -> Callable[[], None]:
    """Oja's rule for each output on its own: Δw_ij = η·mean(y_j·(x_i - y_j·w_ij)), as NumPy writes it."""

    def step() -> None:
        y = x @ weights
        change = x.T @ y
        change -= weights * np.einsum("ej,ej->j", y, y)
        change *= rate / len(x)
        weights[...] += change

    return step
