"""The steps of the built-in optimizers, each one fused pass over a stretch of the flat arrays.

Imported at the first step: numba takes a quarter of a second. Numbers that depend on the step alone are Python's; each
kernel takes them as the type of its arrays.
"""

from __future__ import annotations

import math
from typing import Any

from horn.neurons.jit import kernel, summing_kernel


@kernel
def sgd(direction: Any, previous: Any, parameters: Any, rate: Any, momentum: Any) -> None:
    """Δ = μ·Δ + η·d."""
    real = direction.dtype.type
    rate, momentum = real(rate), real(momentum)
    for i in range(len(direction)):
        change = momentum * previous[i] + rate * direction[i]
        previous[i] = change
        parameters[i] += change


@kernel
def nesterov(direction: Any, previous: Any, parameters: Any, velocity: Any, rate: Any, momentum: Any) -> None:
    """v = μ·v + η·d; Δ = μ·v + η·d."""
    real = direction.dtype.type
    rate, momentum = real(rate), real(momentum)
    for i in range(len(direction)):
        push = rate * direction[i]
        speed = momentum * velocity[i] + push
        change = momentum * speed + push
        velocity[i] = speed
        previous[i] = change
        parameters[i] += change


@kernel
def adagrad(direction: Any, previous: Any, parameters: Any, squares: Any, rate: Any, epsilon: Any) -> None:
    """s = s + d²; Δ = η·d / (√s + ε)."""
    real = direction.dtype.type
    rate, epsilon = real(rate), real(epsilon)
    for i in range(len(direction)):
        d = direction[i]
        total = squares[i] + d * d
        change = rate * d / (math.sqrt(total) + epsilon)
        squares[i] = total
        previous[i] = change
        parameters[i] += change


@kernel
def rmsprop(
    direction: Any,
    previous: Any,
    parameters: Any,
    mean_square: Any,
    rate: Any,
    decay: Any,
    momentum: Any,
    epsilon: Any,
) -> None:
    """s = ρ·s + (1 - ρ)·d²; Δ = μ·Δ + η·d / (√s + ε)."""
    real = direction.dtype.type
    rate, rest, momentum, epsilon = real(rate), real(1.0 - decay), real(momentum), real(epsilon)
    decay = real(decay)
    for i in range(len(direction)):
        d = direction[i]
        mean = decay * mean_square[i] + rest * (d * d)
        change = momentum * previous[i] + rate * d / (math.sqrt(mean) + epsilon)
        mean_square[i] = mean
        previous[i] = change
        parameters[i] += change


@kernel
def adam(
    direction: Any,
    previous: Any,
    parameters: Any,
    first_moment: Any,
    second_moment: Any,
    rate: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    number: Any,
    decay: Any,
) -> None:
    """m = β₁·m + (1 - β₁)·d; s = β₂·s + (1 - β₂)·d²; Δ = η·m̂ / (√ŝ + ε) - decay·w, m̂ = m/(1 - β₁ᵗ), ŝ = s/(1 - β₂ᵗ)."""
    real = direction.dtype.type
    scale, unbiased = real(rate / (1.0 - beta1**number)), real(1.0 / (1.0 - beta2**number))
    rest1, rest2 = real(1.0 - beta1), real(1.0 - beta2)
    beta1, beta2, epsilon, decay = real(beta1), real(beta2), real(epsilon), real(decay)
    for i in range(len(direction)):
        d = direction[i]
        first = beta1 * first_moment[i] + rest1 * d
        second = beta2 * second_moment[i] + rest2 * (d * d)
        change = scale * first / (math.sqrt(second * unbiased) + epsilon) - decay * parameters[i]
        first_moment[i] = first
        second_moment[i] = second
        previous[i] = change
        parameters[i] += change


@summing_kernel
def sum_of_squares(array: Any) -> float:
    """Σ x², in double precision."""
    total = 0.0
    for i in range(len(array)):
        total += float(array[i]) * float(array[i])
    return total
