"""The passes over the weights that follow a push: as few as possible, since they cost as much as a matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...jit import kernel


@kernel
def carry_and_add(update: Any, previous: Any, parameters: Any, beta: Any, gamma: Any) -> None:
    """previous = update + β·previous + γ·parameters; parameters += previous. Flat arrays of one length."""
    real = update.dtype.type
    beta, gamma = real(beta), real(gamma)
    for i in range(len(update)):
        change = update[i] + beta * previous[i] + gamma * parameters[i]
        previous[i] = change
        parameters[i] += change


@kernel
def complete(update: Any, previous: Any, parameters: Any, beta: Any, gamma: Any) -> None:
    """update += β·previous + γ·parameters: the change of `carry_and_add`, for others to make a step of."""
    real = update.dtype.type
    beta, gamma = real(beta), real(gamma)
    for i in range(len(update)):
        update[i] = update[i] + beta * previous[i] + gamma * parameters[i]


@kernel
def decay_and_add(previous: Any, parameters: Any, gamma: Any) -> None:
    """previous += γ·parameters; parameters += previous: where the push has gone into `previous` already."""
    gamma = previous.dtype.type(gamma)
    for i in range(len(previous)):
        change = previous[i] + gamma * parameters[i]
        previous[i] = change
        parameters[i] += change


@kernel
def add(previous: Any, parameters: Any) -> None:
    """parameters += previous: `decay_and_add` without decay, which need not write `previous`."""
    for i in range(len(previous)):
        parameters[i] += previous[i]


@kernel
def scatter(part: Any, rows: Any, columns: Any, out: Any) -> None:
    """out = 0 everywhere but out[rows][:, columns] = part."""
    row = 0
    for i in range(out.shape[0]):
        target = out[i]
        target[:] = 0.0
        if row < len(rows) and rows[row] == i:
            source = part[row]
            for j in range(len(columns)):
                target[columns[j]] = source[j]
            row += 1


@kernel
def scatter_and_add(
    part: Any, rows: Any, columns: Any, previous: Any, parameters: Any, beta: Any, gamma: Any, first: Any
) -> None:
    """The whole step of one block from a sub-model's push: β and γ reach all weights, the push its rows and columns.

    Rows below `first` (the bias) are exempt from the share of γ that regularization adds: see `gamma`, a pair.
    """
    real = previous.dtype.type
    beta = real(beta)
    pushed = np.zeros(previous.shape[1], previous.dtype)  # a row of D; what is not of the sub-model stays 0
    row = 0
    for i in range(previous.shape[0]):
        old, weights = previous[i], parameters[i]
        decay = real(gamma[0] if i < first else gamma[1])
        if row < len(rows) and rows[row] == i:
            source = part[row]
            row += 1
            for j in range(len(columns)):
                pushed[columns[j]] = source[j]
            for j in range(len(old)):
                change = beta * old[j] + decay * weights[j] + pushed[j]
                old[j] = change
                weights[j] += change
        else:
            for j in range(len(old)):
                change = beta * old[j] + decay * weights[j]
                old[j] = change
                weights[j] += change
