"""Activations, costs and normalizations of a user's own, compiled."""

from __future__ import annotations

import numpy as np

from horn.neurons import (
    Dense,
    DropoutNeuron,
    FunctionInterlayer,
    Identity,
    Layer,
    NetworkSpec,
    StandardNeuron,
)
from horn.neurons.compiler.analysis.analysis import _is_plain, analyse
from horn.neurons.interpreter.copies import Copies
from horn.neurons.interpreter.numbers import Numbers


def test_an_activation_a_cost_and_a_normalization_of_the_users_own(define, chain, compare) -> None:
    module = define("""
class Leaky(Activation):
    def __init__(self, slope, point):
        self.slope = slope
        self.point = point

    def bent(self, x):
        return self.slope * (x - self.point)

    def apply(self, x):
        return x - self.point if x > self.point else self.bent(x)

    def derivative(self, y, x):
        return 1.0 if x > self.point else self.slope


class Huber(Cost):
    def __init__(self, width):
        self.width = width

    def apply(self, output, target):
        error = abs(output - target)
        if error < self.width:
            return 0.5 * error * error
        return self.width * (error - 0.5 * self.width)

    def derivative(self, output, target):
        return max(min(output - target, self.width), -self.width)
""")

    def share(output):
        return output / (1.0 + np.abs(output).sum())

    def share_back(output, normalized, gradient):
        total = 1.0 + np.abs(output).sum()
        return gradient / total - np.sign(output) * (gradient @ output) / total**2

    for interlayer in (FunctionInterlayer(share), FunctionInterlayer(share, share_back)):
        for activation in (module.Leaky(0.25, 0.5), module.Leaky(0.125, -0.5)):
            hidden = chain((3, StandardNeuron), (4, StandardNeuron, activation)).layers
            after = Layer(4, DropoutNeuron, Identity(), {"keep": 0.75}, interlayer)
            last = Layer(2, StandardNeuron, Identity(), {}, Dense(True))
            compare(NetworkSpec((*hidden, after, last), module.Huber(0.25)), tolerance=1e-4)


def test_activations_and_costs_of_integers_flags_and_branches(define, chain, compare) -> None:
    module = define("""
class Swish(Activation):
    beta = 1.5

    def gate(self, x):
        if x > 0:
            return 1.0 / (1.0 + math.exp(-self.beta * x))
        e = math.exp(self.beta * x)
        return e / (1.0 + e)

    def apply(self, x):
        return x * self.gate(x)

    def derivative(self, y, x):
        s = self.gate(x)
        return s + self.beta * x * s * (1.0 - s)


class Hard(Activation):
    def apply(self, x):
        for i in range(2):
            if x > 1 + i * 0.5:
                return 1
        return max(-1, x)

    def derivative(self, y):
        return abs(y) < 1


class Uneven(Cost):
    def apply(self, output, target):
        k = 1
        if output > target:
            k = 2
        return k * abs(output - target)

    def derivative(self, output, target):
        k = 0.5
        if output > target:
            return 2
        return -1 - k
""")
    for activation in (module.Swish(), module.Hard()):
        spec = chain((3, StandardNeuron), (4, StandardNeuron, activation), (2, StandardNeuron), cost=module.Uneven())
        compare(spec, tolerance=1e-4)


def test_only_activations_that_hold_nothing_are_understood_as_one(define) -> None:
    module = define("""
class Plain(Activation):
    def apply(self, x):
        return x

    def derivative(self, y):
        return 1.0


class Attribute(Plain):
    def __init__(self, slope):
        self.slope = slope

    def apply(self, x):
        return self.slope * x


class Slots(Attribute):
    __slots__ = ("slope",)


class Number(Plain, float):
    def apply(self, x):
        return float(self) * x
""")
    assert analyse(StandardNeuron, module.Plain()) is analyse(StandardNeuron, module.Plain())
    for kind in (module.Attribute, module.Slots):
        first, second = (analyse(StandardNeuron, kind(slope)).forward for slope in (0.1, 0.3))
        assert first != second
    assert not _is_plain(module.Number(0.1))


def test_activations_may_keep_their_numbers_where_they_like(define, chain, compare) -> None:
    module = define("""
from dataclasses import dataclass


class Bent(Activation):
    def apply(self, x):
        return x if x > 0.0 else self.slope * x

    def derivative(self, y, x):
        return 1.0 if x > 0.0 else self.slope


@dataclass(frozen=True, slots=True)
class Slots(Bent):
    slope: float
    unused: float = 0.0


class Unassigned(Bent):
    __slots__ = ("other", "slope")

    def __init__(self, slope):
        self.slope = slope


class Number(Bent, float):
    pass
""")
    for kind in (module.Slots, module.Unassigned):
        compare(chain((3, StandardNeuron), (4, StandardNeuron, kind(0.1)), (2, StandardNeuron)), tolerance=1e-4)
    assert Copies(Numbers(np.float32)).copy_object(module.Number(0.25)) == 0.25
