"""Arithmetic, mathematics and conditions of scalars: machine code computes what Python does, in float32."""

from __future__ import annotations

import numpy as np
import pytest

HEAD = """
BIG = 10**30
HUGE = 2**63 - 1
TABLE = (0.5, 2)


def clip(x, limit=np.float32(0.5)):
    return min(max(x, -limit), limit)


class Unit(StandardNeuron):
    k = 2
    r = 0.5
    flag = True

    def forward(self, messages):
        x = 0.0
        for m in messages:
            x += m.input * m.weight
"""

GROUPS = {
    "arithmetic": [
        "x // 0.3", "x % 0.3", "x ** 2", "x ** 3", "abs(x) ** 0.5", "abs(x) ** self.k", "2.0 ** x", "1 / 0.3 * x",
        "x / (self.k - 2)", "-x", "+x", "1e300 * x", "BIG * x", "x / BIG", "10 ** 20 * x",
    ],
    "integers": [
        "self.k // 3 + x", "(self.index * 7) % 3", "-self.index // 2", "-self.index % 3", "2 ** self.k", "self.k ** 2",
        "self.k ** -1", "(self.k - 3) * x", "self.k / 3 * x", "5 // self.k + 7 % self.k", "int(x * 4)", "round(x * 4)",
        "math.floor(x) + math.ceil(x)", "float(self.k)", "len(messages) * x", "self.layer + self.iteration",
    ],
    "truth": [
        "x * abs(x > 0)", "max(x > 0, x < -1) * 2.0", "min(True, self.flag) * x", "(x > 0) == (self.index > 1)",
        "(x > 0) < (self.index > 1)", "not x", "x and self.k", "self.k or x", "x > 0 and x", "(x > 0) or self.k",
        "bool(x)", "x if self.flag else self.k", "self.k if x > 0 else self.flag", "self.flag * self.flag",
        "-1 < x < self.k", "0.0 if x != x else x", "1 if x > 0 else 0", "self.training + x", "TABLE[-1] or x",
        "0.0 and x", "TABLE[0] and x",
    ],
    "whole numbers that end": [
        "1 // (self.k - 2)", "7 % (self.k - 2)", "1 // 0", "1.0 / 0.0", "self.k / (self.k - 2)", "(self.k - 2) ** -1",
        "1 if HUGE + self.k > 0 else -1", "1 if HUGE * self.k > 0 else -1", "1 if -HUGE - self.k - 1 < 0 else -1",
        "self.k ** 70", "(self.k + 1) ** 41", "1 / 3 * x", "x // (self.k - 2)", "x % (self.k - 2)", "x / 0",
        "(HUGE + self.index) // 1024", "self.k - 2 == 0 or 1 // (self.k - 2) > 0", "(2 * 2**63 + 1) // 3 % 7 * x",
        "len(TABLE) * 6364136223846793005 // 1024 * x", "HUGE * 3 % 1000 * x", "-9223372036854775808 // 1024",
        "10 ** 500 * x", "(2**64 - 1) % 10 * x", "0 ** -1", "(0 - self.k) ** 0.5", "(-0.5) ** 0.5", "math.trunc(x * 4)",
    ],
    "truth values as numbers": [
        "-(x > 0)", "+(x > 0)", "(x > 0) + (x > -1) + (x > 2)", "(x > 0) - (x > -1)", "(x > 0) * (x > -1) / (x > -9)",
        "int(x > 0) + round(x > 0) + float(x > 0)", "(x > 0) // (x > -9)", "(x > 0) ** 2", "-(x > 0) * 3 + (x == x)",
        "x in (0.5, 1)", "self.index in (1, 2) and self.k not in TABLE", "(self.index not in (0, 3)) + x",
        "(y := x * 2.0) + y if x > 0 else (z := 1) + z", "-1 < x <= 0.5 < self.k",
    ],
    "functions": [
        "math.exp(x)", "math.log(abs(x) + 1.0)", "math.atan2(x, 1.0)", "math.hypot(x, 2)", "math.copysign(1.0, x)",
        "math.fmod(x, 0.3)", "math.pow(abs(x), 1.5)", "np.sign(x)", "math.isnan(x)", "math.gamma(abs(x) + 1.0)",
        "math.lgamma(abs(x) + 1)", "math.erf(x)", "math.erfc(x)", "math.degrees(x)", "math.radians(x)",
        "math.log2(abs(x) + 1)", "math.log10(abs(x) + 1)", "math.expm1(x)", "math.log1p(abs(x))", "np.tanh(x)",
        "np.maximum(x, 0)", "np.power(abs(x), 1.5)", "np.float32(x)", "pow(abs(x), 2)", "math.sqrt(abs(x))",
    ],
    "more functions": [
        "math.sin(x) + math.cos(x) + math.tan(x)", "math.asin(0.3) + math.acos(0.2) + math.atan(x)",
        "math.sinh(x) + math.cosh(x) + math.asinh(x)", "math.acosh(abs(x) + 1) + math.atanh(0.3)", "math.fabs(x)",
        "math.isfinite(x) + 2 * math.isinf(x)", "max(x, 0.5, -1.0, self.k)", "min(self.k, 3)", "math.pi * x", "clip(x)",
        "clip(x, 0.25)", "clip(limit=self.r, x=x)", "max(self.flag, self.k)",
    ],
    "NumPy's": [
        "np.where(x > 0, x, 0.5)", "np.where(x > 0, self.k, x) + 1", "np.clip(x, -0.5, self.r)", "np.square(x)",
        "np.negative(x)", "np.logical_and(x > 0, self.flag) * x", "np.logical_or(x > 0, self.k - 2) * x",
        "np.logical_not(x) + x", "np.add(x, self.k)", "np.subtract(np.multiply(x, 2.0), self.r)",
        "np.divide(x, self.k)", "np.clip(self.k, 0, 1) * x",
    ],
    "over messages": [
        "sum(m.is_bias for m in messages) * x", "sum(m.sender for m in messages)",
        "sum(m.is_bias and m.weight for m in messages)",
        "sum(m.input if m.sender > 0 else 1 for m in messages if m.weight > 0 if m.input < 0.5)",
        "max(m.input * m.weight for m in messages)", "min(m.sender for m in messages)",
        "max(m.weight for m in messages if not m.is_bias)", "sum(m.input * m.weight for m in messages) * x",
    ],
}  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_expressions(group, define, around, compare) -> None:
    lines = []
    for place, expression in enumerate(GROUPS[group]):
        # Each counts for something, and infinities and what is no number do not hide the others.
        lines += [
            f"        e{place} = {expression}",
            f"        e{place} = e{place} * 0.5 if -1e30 < e{place} < 1e30 else {place}.5",
        ]
    total = " + ".join(f"e{place} * {1 + place / 8}" for place in range(len(GROUPS[group])))
    module = define(HEAD + "\n".join([*lines, f"        self.feedforward({total})"]))
    with np.errstate(over="ignore"):
        compare(around(module.Unit), train=False)


def test_an_integer_that_a_layer_overrides_by_a_float_is_a_float(define, around, compare) -> None:
    module = define(HEAD + "        self.feedforward(x // self.k + self.k / 2)")
    for numbers in ({"k": 2}, {"k": 0.75}, {"k": True}):
        compare(around(module.Unit, numbers=numbers), train=False)
