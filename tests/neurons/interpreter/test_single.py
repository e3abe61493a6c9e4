"""The user's code computes in float32 throughout, by IEEE 754, and is otherwise what was written."""

from __future__ import annotations

import math
from math import exp, log

import numpy as np
import pytest

from horn.neurons import Activation, Identity, Interpreter, NetworkSpec, Neuron, SquaredError, StandardNeuron

RATE = 0.1
ONE = np.float32(1)


def cancelling(x):
    """Loses digits in float32 that float64 would keep."""
    grown = math.exp(x)
    return grown - 1.0


def countdown(n, x=0.1):
    return x if n == 0 else countdown(n - 1, x) * RATE


@pytest.fixture
def value(layer):
    """What one neuron of a class feeds forward for an input."""

    def compute(cls: type[Neuron], x: float, activation: Activation | None = None) -> np.float32:
        spec = NetworkSpec((layer(1, cls, activation or Identity(), None),), SquaredError())
        none = np.zeros(0, np.float32)
        return Interpreter(spec, none, none, seed=0).predict(np.array([[x]], np.float32))[0, 0]

    return compute


def test_locals_are_float32(value) -> None:
    class Unit(StandardNeuron):
        def forward(self, messages):
            for m in messages:
                self.feedforward(cancelling(m.input))

    x = np.float32(1e-4)
    assert value(Unit, x) == np.float32(math.exp(x)) - ONE
    assert value(Unit, x) != np.float32(math.exp(x) - 1.0)


def test_literals_constants_defaults_and_closures_are_float32(value) -> None:
    third = 1 / 3

    class Unit(StandardNeuron):
        gain = 0.7

        def forward(self, messages):
            kinds = [
                type(v) for v in (0.1, RATE, third, countdown(2), math.pi, exp(0.5), float(1), self.gain, (0.5,)[0])
            ]
            assert kinds == [np.float32] * 9, kinds
            assert [type(v) for v in (1, True, len(messages), math.floor(2.5))] == [int, bool, int, int]
            self.feedforward(countdown(2))

    tenth = np.float32(0.1)
    assert value(Unit, 1.0) == tenth * tenth * tenth


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (lambda x: 1.0 / x, np.inf),
        (lambda x: -1.0 / x, -np.inf),
        (lambda x: x / x, np.nan),
        (lambda x: log(x), -np.inf),
        (lambda x: math.log(x - 1.0), np.nan),
        (lambda x: math.sqrt(x - 1.0), np.nan),
        (lambda x: math.exp(x + 1000.0), np.inf),
        (lambda x: math.exp(x + 100.0), np.inf),  # beyond float32, within float64
        (lambda x: math.sinh(x - 1000.0), -np.inf),
        (lambda x: math.pow(x, -1.0), np.inf),
        (lambda x: math.acos(x + 2.0), np.nan),
        (lambda x: math.lgamma(x), np.inf),
        (lambda x: 1.0 / (1.0 - math.exp(x)), np.inf),
        (lambda x: (x - 8.0) ** 0.5, np.nan),
    ],
)
def test_arithmetic_does_not_raise(expression, expected, value) -> None:
    class Unit(StandardNeuron):
        def forward(self, messages):
            for m in messages:
                self.feedforward(expression(m.input))

    np.testing.assert_equal(value(Unit, 0.0), np.float32(expected))


class Base(StandardNeuron):
    factor = 0.1

    def squash(self, x):
        return math.exp(x) - 1.0

    def forward(self, messages):
        for m in messages:
            self.feedforward(self.squash(m.input))


class Derived(Base):
    def squash(self, x):
        return super().squash(x) + Base.squash(self, x) + self.offset

    @property
    def offset(self):
        return 0.1 * self.one()

    @staticmethod
    def one():
        return 1.0


def test_methods_of_bases_are_float32(value) -> None:
    x = np.float32(1e-4)
    one = np.float32(math.exp(x)) - ONE
    assert value(Base, x) == one
    assert value(Derived, x) == one + one + np.float32(0.1)


def test_activations_with_numbers_of_their_own_are_float32(value) -> None:
    class Leaky(Activation):
        def __init__(self, slope: float) -> None:
            self.slope = slope

        def apply(self, x):
            return x if x > 0 else self.slope * (math.exp(x) - 1.0)

        def derivative(self, y):
            return 1.0 if y > 0 else y + self.slope

    leaky = Leaky(0.3)
    x = np.float32(-1e-4)
    assert value(Base, x, leaky) == np.float32(math.exp(x)) - ONE  # an activation that is not called changes nothing
    assert value(StandardNeuron, x, leaky) == np.float32(0.3) * (np.float32(math.exp(x)) - ONE)
    assert type(leaky.slope) is float


def test_the_users_own_functions_stay_as_they_are(value) -> None:
    before = Base.forward.__code__, cancelling.__code__.co_consts
    value(Base, 1.0)
    assert (Base.forward.__code__, cancelling.__code__.co_consts) == before
    assert type(cancelling(1.0)) is float
    assert type(Base.factor) is float
