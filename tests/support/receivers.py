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
]
