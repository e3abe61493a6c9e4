"""What Python allows and a neuron may use: statement by statement, as in the interpreter."""

from __future__ import annotations

import pytest

HEAD = """
def scaled(x, by=2.0, *, plus=1.0):
    return x * by + plus


def pair(x):
    if x > 0:
        return x, 1.0
    return -x, 0.0


class Unit(StandardNeuron):
    word = "soft"

    def forward(self, messages):
"""
SUM = "x = sum(m.input * m.weight for m in messages)\n"

BODIES = {
    "messages twice, the second time with what the first gave": """
x, y = 0.0, 0.0
for m in messages:
    x += m.input * m.weight
for m in messages:
    y += m.weight * x
self.feedforward(x + y)
""",
    "targets of all kinds": f"""{SUM}
(a, b), [c, d] = (x, 2.0), (3.0, x)
a, b = b, a
e = f = a - b
n: int = 3
n -= 1
pair_of_both = e, f
self.feedforward(a * c + b * d + pair_of_both[1] * n)
""",
    "assignment expressions": f"""{SUM}
n = 0
while (n := n + 1) < 4 and (y := x * n) < 2.0:
    x += y * 0.5
if (z := x - 1.0) > 0 or (z := z * 2.0) > -1.0:
    x = z
self.feedforward(x)
""",
    "arguments of helpers": f"{SUM}self.feedforward(scaled(x) + scaled(by=x, x=0.5, plus=0.25) + scaled(x, 0.5))",
    "several values of a helper": f"{SUM}y, flag = pair(x)\nself.feedforward(y + flag * pair(-x)[0])",
    "strings that are known": f"{SUM}self.feedforward(x if self.word == 'soft' and self.word != 'hard' else 0.0)",
    "loops that are left": """
x, k = 0.0, 0
for m in messages:
    if m.is_bias:
        continue
    if k > 1:
        break
    k += 1
    x += m.input
for i in range(6, 0, -2):
    if i == 2:
        break
    x += i
self.feedforward(x)
""",
    "what is set and read under the same condition": f"""{SUM}
if self.index > 0:
    self.mark, y = 0.5, x
good = x > 0.5
if not good:
    z = 1.0
if good:
    w = 3.0
else:
    x += z
self.feedforward((x + self.mark + y if self.index > 0 else x) + (w if good else z))
""",
    "what every path sets": f"""{SUM}
while True:
    if x > 0:
        y = 1.0
        break
    y = 2.0
    x += 3.0
if y > 1.5:
    z = 1.0
elif y > 0.5:
    z = 2.0
else:
    self.feedforward(x)
    return
for i in range(2):
    w = z + i
self.feedforward(x + y + w)
""",
}


@pytest.mark.parametrize("name", BODIES)
def test_statements(name, define, around, compare) -> None:
    body = BODIES[name].strip().replace("\n", "\n        ")
    compare(around(define(f"{HEAD}        {body}").Unit), train=False, exact=True)
