"""Neurons that are no weighted sums, each beside the same function in NumPy: an oracle for derivatives.

The functions take the senders' outputs X, shape (b, s), and the weights W, shape (s, n), in float64, and return the
outputs, shape (b, n); a bias is sender 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from horn.neurons import GELU, Activation, Identity, Neuron, Sigmoid, Tanh


class RBF(Neuron):
    width = 0.5

    def forward(self, messages):
        total = 0.0
        for m in messages:
            difference = m.input - m.weight
            total += difference * difference
        self.feedforward(math.exp(-self.width * total))


class MaxProduct(Neuron):
    def forward(self, messages):
        best = -1e30
        for m in messages:
            product = m.input * m.weight
            if product > best:
                best = product
        self.feedforward(self.activation(best))


class Maxout(Neuron):
    """The greatest of the messages behind the first half, plus the sum of the others."""

    def forward(self, messages):
        half = len(messages) // 2
        best = max(m.input * m.weight for m in messages if m.sender >= half)
        rest = sum(m.input * m.weight for m in messages if m.sender < half)
        self.feedforward(self.activation(best + rest))


class Gated(Neuron):
    def forward(self, messages):
        content = gate = 0.0
        for m in messages:
            content += m.input * m.weight
            gate += m.input * abs(m.weight)
        self.feedforward(content / (1.0 + math.exp(-gate)))


class WeightedAverage(Neuron):
    def forward(self, messages):
        total = shares = 0.0
        for m in messages:
            if m.is_bias:
                continue
            share = math.exp(m.weight)
            total += m.input * share
            shares += share
        self.feedforward(self.activation(total / shares))


class Attention(Neuron):
    """Softmax of input · weight over the messages, twice over them."""

    def forward(self, messages):
        top = max(m.input * m.weight for m in messages)
        total = shares = 0.0
        for m in messages:
            share = math.exp(m.input * m.weight - top)
            shares += share
            total += share * m.input
        self.feedforward(total / shares)


class Products(Neuron):
    """A product over the messages, where it is small a recurrence on top."""

    def forward(self, messages):
        product = 1.0
        for m in messages:
            product *= 1.0 + 0.3 * m.input * m.weight
        if product < 1.0:
            value = product
            for m in messages:
                value = math.tanh(value + m.input * m.weight)
            self.feedforward(self.activation(value) * 2.0)
        else:
            self.feedforward(self.activation(product))


class ActivatedMessages(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += self.activation(m.input * m.weight)
        self.feedforward(total)


class Budget(Neuron):
    """Messages count until their strength is used up; how many did is worth a step each."""

    def forward(self, messages):
        used = total = 0.0
        count = 0
        for m in messages:
            if m.is_bias:
                total += m.weight
                continue
            used += abs(m.input * m.weight)
            if used > 0.8:
                total *= 1.5
                break
            total += math.sin(m.input) * m.weight * used
            count += 1
        self.feedforward(self.activation(total) + count)


class Searched(Neuron):
    """The root of y³ + y = total, by Newton's steps, where the messages are strong; they are added in any case."""

    def forward(self, messages):
        total = strength = 0.0
        for m in messages:
            total += m.input * m.weight
            strength += m.weight * m.weight
        y = 0.0
        if strength > 0.3:
            y = total
            while abs(y * y * y + y - total) > 1e-6:
                y -= (y * y * y + y - total) / (3.0 * y * y + 1.0)
        self.feedforward(y + self.activation(total * strength))


class Settling(Neuron):
    """A state that settles under two sums for a number of steps, in a loop within a loop, with the activation in it."""

    steps = 4

    def forward(self, messages):
        drive = gate = 0.0
        for m in messages:
            drive += m.input * m.weight
            gate = max(gate, m.weight * m.input)
        state = drive
        for step in range(self.steps):
            if step == 1:
                continue
            for inner in range(step):
                state = 0.5 * state + math.sin(gate) / (1.0 + inner)
                if state > 5.0:
                    break
            state = self.activation(state + drive)
        self.feedforward(state * drive)


class Polynomials(Neuron):
    """A polynomial of each message, by Horner's rule, on the total of those before."""

    degree = 3

    def forward(self, messages):
        total = 0.0
        for m in messages:
            value = 0.0
            for power in range(self.degree):
                value = value * m.input + m.weight / (1.0 + power)
            total = 0.7 * total + math.tanh(value)
        self.feedforward(self.activation(total))


class Folded(Neuron):
    """What is strong is halved until it is weak, and squashed on the way, before it is added."""

    def forward(self, messages):
        total = 0.0
        halvings = 0
        for m in messages:
            part = m.input * m.weight
            if part < 0.0:
                total -= part * total
                continue
            while True:
                part = self.activation(part) * 1.5 + 0.01 * total
                halvings += 1
                if part < 0.5:
                    break
                part *= 0.25
            total += part
            if total > 1.5:
                break
        self.feedforward(total + 0.125 * halvings)


class Leading(Neuron):
    """The messages up to the first that is negative; of a negative number neither root nor logarithm exists."""

    def forward(self, messages):
        total = 0.0
        for m in messages:
            part = 0.5 + m.input * m.weight
            if part <= 0.0:
                break
            total += math.sqrt(part) * part
        if total > 0.0:
            total = math.log(total) * total
        self.feedforward(self.activation(total))


def _pick(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    return X[:, :, None] * W


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _maxout(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    products = _pick(X, W)
    half = X.shape[1] // 2
    # The bias, sender -1, stands first.
    late = np.arange(X.shape[1]) - 1 >= half
    return np.tanh(products[:, late].max(1) + products[:, ~late].sum(1))


def _average(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    shares = np.exp(W[1:])
    return sigmoid(X[:, 1:] @ shares / shares.sum(0))


def _attention(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    shares = np.exp(_pick(X, W))
    return np.einsum("esn,es->en", shares, X) / shares.sum(1)


def _products(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    products = _pick(X, W)
    product = (1 + 0.3 * products).prod(1)
    value = product
    for part in products.transpose(1, 0, 2):
        value = np.tanh(value + part)
    return np.where(product < 1, 2 * sigmoid(value), sigmoid(product))


def _budget(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    products = np.abs(_pick(X, W)[:, 1:])
    used = products.cumsum(1)
    counts = used <= 0.8
    terms = np.sin(X)[:, 1:, None] * W[1:] * used
    total = W[0] + np.where(counts, terms, 0).sum(1)
    return np.tanh(np.where(counts.all(1), 1, 1.5) * total) + counts.sum(1)


def _searched(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    """The root by Cardano's formula."""
    total, strength = X @ W, (W**2).sum(0)
    root = np.sqrt(total**2 / 4 + 1 / 27)
    y = np.cbrt(total / 2 + root) + np.cbrt(total / 2 - root)
    return np.where(strength > 0.3, y, 0) + np.tanh(total * strength)


def _settling(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    drive, gate = X @ W, np.maximum(_pick(X, W).max(1), 0)
    state = sigmoid(2 * drive)
    for step in (2, 3):
        for inner in range(step):
            state = 0.5 * state + np.sin(gate) / (1 + inner)
        state = sigmoid(state + drive)
    return state * drive


def _polynomials(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    values = W * (1 / 3 + X[:, :, None] / 2 + X[:, :, None] ** 2)
    total = 0
    for value in np.tanh(values).transpose(1, 0, 2):
        total = 0.7 * total + value
    return gelu(total)


def _folded(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    total, halvings, left = np.zeros((3, len(X), W.shape[1]))
    for part in _pick(X, W).transpose(1, 0, 2):
        weak, strong = (left == 0) & (part < 0), (left == 0) & (part >= 0)
        total = np.where(weak, total - part * total, total)
        folding = strong
        while folding.any():
            part = np.where(folding, 1.5 * np.tanh(part) + 0.01 * total, part)
            halvings += folding
            folding = folding & (part >= 0.5)
            part = np.where(folding, part / 4, part)
        total = np.where(strong, total + part, total)
        left = left + (strong & (total > 1.5))
    return total + halvings / 8


def _leading(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    parts = 0.5 + _pick(X, W)
    total = np.where(np.logical_and.accumulate(parts > 0, axis=1), np.maximum(parts, 0) ** 1.5, 0).sum(1)
    return np.tanh(np.log(np.where(total > 0, total, 1)) * total)


@dataclass(frozen=True)
class Receiver:
    """A class and its oracle.

    Args:
        cls: the class.
        activation: of its layer.
        function: X, W → outputs; X has a bias sender.
    """

    cls: type[Neuron]
    activation: Activation
    function: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def __str__(self) -> str:
        return self.cls.__name__


RECEIVERS = [
    Receiver(RBF, Identity(), lambda X, W: np.exp(-0.5 * ((X[:, :, None] - W) ** 2).sum(1))),
    Receiver(MaxProduct, GELU(), lambda X, W: gelu(_pick(X, W).max(1))),
    Receiver(Maxout, Tanh(), _maxout),
    Receiver(Gated, Identity(), lambda X, W: X @ W * sigmoid(X @ np.abs(W))),
    Receiver(WeightedAverage, Sigmoid(), _average),
    Receiver(Attention, Identity(), _attention),
    Receiver(Products, Sigmoid(), _products),
    Receiver(ActivatedMessages, GELU(), lambda X, W: gelu(_pick(X, W)).sum(1)),
    Receiver(Budget, Tanh(), _budget),
    Receiver(Searched, Tanh(), _searched),
    Receiver(Settling, Sigmoid(), _settling),
    Receiver(Leading, Tanh(), _leading),
    Receiver(Polynomials, GELU(), _polynomials),
    Receiver(Folded, Tanh(), _folded),
]
