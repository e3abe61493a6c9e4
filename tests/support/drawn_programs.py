"""Neurons that use the whole language, and compute with numbers whose float32 sums are exact.

Every value that is kept lies on the grid of quarters between -2 and 2 (see `exact_helpers`), so that the two engines
must agree to the last bit, and conditions may ask for any running value.
"""

from __future__ import annotations

from typing import Any

from exact_helpers import HELPERS, on_side
from grammar import Grammar
from hypothesis import strategies as st

RULES: dict[str, list[str]] = {
    # A number of the grid, without and with arithmetic.
    "atom": [
        "a", "a", "b", "b", "0.5", "-1.25", "1", "self.gain", "SCALE", "factor", "self.ratio", "self.slot",
        "<known>", "<known>", "TABLE[<item>]", "offsets[<item>]", "self.own[<item>]", "GRID[<item>, <column>]",
        "float(t)",
    ],
    "atom+message": ["m.VALUE", "m.weight"] * 6,
    "known": ["self.slot"],
    "item": ["self.index", "2", "-1", "n % 5", "ORDER[self.index]", "max(min(n, 4), -5)"],
    "item+message": ["m.PLACE % 5", "m.PLACE"],
    "column": ["1", "-1", "n % 4"],
    "of_two": ["0", "1", "-1"],
    "real": [
        "<real>", "snap(<real> * <real>)", "snap(<real> + <real>)", "cut(<real> - <real>)", "cut(<real>, limit=1.5)",
        "halved(<real> * 3)", "stepped(<real>, <index> % 4)", "twice(<real>)", "self.settle(<real> * <atom>)",
        "self.bend(<real>, y=<atom>)", "both(<real>, <atom>)[<of_two>]", "-<real>", "abs(<real>)",
        "max(<real>, <real>)", "min(<real>, <atom>, 0.75)", "(<real> if <condition> else <real>)",
        "(<real> and <real>)", "(<real> or <atom>)", "snap(<real> / (abs(<atom>) + 0.5))",
        "snap(<real> ** 2 - <atom>)", "snap(math.sqrt(abs(<real>)))", "snap(<whole>)",
        "snap(<real> % 0.75 + <atom> // 0.5)", "float(int(<real>))", "round(<real>) / 4", "snap(<real> * <whole>)",
        "snap(self.uniform(-2.0, 2.0))", "self.binomial(2, self.keep)",
        "snap(self.binomial(self.count, 0.5) * <atom>)", "(a := <real>)", "(b := <real>)", "self.note(<real>)",
        "snap((<condition>) + <real>)", "PAIRS[<of_two>][0] / 2", "np.minimum(<real>, <atom>)",
        "math.copysign(<real>, <atom>)", "snap(np.sign(<real>) * <atom>)",
    ],
    # Whole numbers.
    "index": [
        "2", "3", "-1", "n", "n", "self.index", "self.layer", "len(messages)", "self.count", "self.iteration",
        "ORDER[<item>]", "len(TABLE)", "GRID.shape[1]",
    ],
    "index+message": ["m.PLACE"] * 4,
    "whole": [
        "<whole>", "(<whole> + <index>)", "(<whole> - <index>) * 3", "<index> * <index> % 5",
        "<index> // (abs(<index>) + 1)",
        "<index> % (n * n + 1)", "max(<whole>, <index>)", "-<index>", "abs(<whole>)", "int(<atom>)", "round(<atom>)",
        "(<whole> if <condition> else <whole>)", "int(<condition>)", "counted(<whole>, 1)", "math.floor(<atom>)",
        "((<condition>) + (<condition>))", "(<whole> * 6364136223846793005 + 1) // 3",
    ],
    # Truth values.
    "test": [
        "self.training", "self.flag", "t", "t", "not t", "<atom> > <atom>", "<atom> > <atom>", "<index> == <index>",
        "-1.0 < <atom> <= <atom>", "<index> % 2 == 0", "<index> in (0, 2, n)", "<index> not in (1, 3)",
        "<atom> != 0", "self.uniform() < 0.5", "self.binomial(1, self.keep)", "ON[<item>]", "bool(<index>)", "n",
        "a", "n and t",
    ],
    "test+message": ["m.is_bias", "not m.is_bias", "m.PLACE > 0", "m.VALUE > <atom>", "m.weight < 0"] * 3,
    "condition": [
        "<test>", "<test>", "not (<condition>)", "(<condition>) and (<condition>)", "(<condition>) or (<test>)",
        "(<condition>) == (<test>)", "<real> < <atom>", "(n := <whole> % 7) > 2", "<whole> >= <index>",
    ],
    # Statements.
    "block": ["<statement>", "<statement>", "<statement>\n<statement>", "<statement>\n<statement>\n<statement>"],
    "name": ["a", "b"],
    "simple": [
        "<name> = <real>", "<name> = <real>", "n = <whole>", "n = <whole> % 7", "n += <index>", "n //= 2",
        "t = <condition>", "a += <real>\na = snap(a)", "b *= <real>\nb = snap(b)", "self.slot = <real>",
        "self.left = <real>", "<keep>", "a, b = b, a", "(a, b), n = both(<atom>, b), <index>", "a = b = <real>",
        "self.note(<real>)", "n: int = <index>", "pair = both(a, <atom>)\nb = snap(pair[1] - pair[0])",
        "t = t and <atom> > 0",
    ],
    "simple+loop": ["if <condition>:\n    <leave>"] * 2,
    "leave": ["break", "continue"],
    "keep": ["pass"],
    "statement": [
        "<simple>", "<simple>", "if <condition>:\n    <block>", "if <condition>:\n    <block>\nelse:\n    <block>",
        "if <condition>:\n    <block>\nelif <condition>:\n    <block>", "<messages>", "<messages>", "<messages>",
        "for i in range(<times>):\n    a = snap(a * 0.5 + i)\n    <inner+loop>",
        "k = 0\nwhile k < 3 and (<condition>):\n    k += 1\n    <inner+loop>",
        "k = 3\nwhile (k := k - 1) >= 0:\n    <inner+loop>",
    ],
    # What a loop consists of.
    "inner": ["<deed>", "<deed>", "<deed>\n<deed>", "<deed>\n<deed>\n<deed>"],
    "deed": [
        "<simple>", "<simple>", "if <condition>:\n    <inner>", "if <condition>:\n    <inner>\nelse:\n    <inner>",
        "if <condition>:\n    <inner>\nelif <condition>:\n    <inner>",
        "for j in range(<times>):\n    <simple+loop>",
    ],
    "times": ["2", "self.count", "1, 6, 2", "3, 0, -1", "n % 3", "abs(n) % 3, 4"],
    # Loops over the messages. What a sum of products adds is exact with any of the factors.
    "factor": [
        "self.gain", "SCALE", "2", "a", "b", "n % 4", "(self.index + 1)", "TABLE[self.index]", "factor",
        "offsets[n % 5]",
    ],
    "term": [
        "m.VALUE * m.weight", "m.VALUE * m.weight", "m.VALUE * m.weight * <factor>",
        "<factor> * m.weight * m.VALUE - m.weight", "(m.weight / 2 + m.weight * self.gain) * m.VALUE",
        "-m.VALUE * (m.weight / 2 - 3 * m.weight)", "m.VALUE * m.VALUE", "(m.VALUE - m.weight) * m.weight",
        "<factor> * m.VALUE", "(m.VALUE + 1) * (m.weight - 0.5)", "(m.weight if m.is_bias else m.VALUE * m.weight)",
        "m.VALUE * TABLE[m.PLACE % 5]",
    ],
    "adds": ["s += <term>", "s = <term> + s", "s -= <term>", "q = <term>\ns += q + q", "s += <term>\ns -= <term>"],
    "guard": ["t", "m.is_bias", "m.PLACE > 0", "self.index > 0", "n", "m.VALUE > 0.25", "a > b", "<test+message>"],
    "gathers": [
        "if <guard>:\n    <adds>", "if <guard>:\n    <adds>\nelse:\n    u -= <term>",
        "if <guard>:\n    continue\n<adds>", "u += <term>\ns += <term> if <guard> else 0.0",
    ],
    "carries": [
        "s = max(s, m.VALUE * m.weight)", "if m.VALUE < s:\n    s, n = m.VALUE, m.PLACE",
        "s = cut(s * (m.weight + m.VALUE))", "s = m.VALUE - 0.5 * s if m.VALUE > s else s\ns = snap(s)",
        "s += u * m.VALUE\nu = m.weight", "s += m.VALUE > m.weight", "n = n * 3 + m.PLACE\ns += n % 4",
        "for i in range(2):\n    s += m.VALUE * i",
    ],
    "test_of_one": ["", "", " if m.is_bias", " if not m.is_bias", " if m.VALUE > 0", " if t"],
    "messages": [
        "s = <start>\nfor m in messages:\n    <adds>\n<name> = snap(s)",
        "s = 0.0\nfor m in messages:\n    <adds>\nself.slot = snap(s)",
        "s, u = 0.0, 0.25\nfor m in messages:\n    <gathers>\n<name> = snap(s + u * self.gain)",
        "s, u = <atom>, 0.5\nfor m in messages:\n    <carries>\n<name> = snap(s)",
        "for m in messages:\n    <body+message>", "for m in messages:\n    <body+message>",
        "<name> = snap(sum(<term> for m in messages<test_of_one>))",
        "a = snap(sum(<term> for m in messages<test_of_one>) + b)", "a = self.total_SIDE(messages)",
        "b = self.total_SIDE(messages, factor=<atom>)", "b = self.first_SIDE(messages, <atom>)",
        "a, n = self.largest_SIDE(messages)", "t = self.total_SIDE(messages) > <atom>",
    ],
    "body": ["<inner+loop>"],
    "start": ["0", "0.0", "a"],
    # Pushes.
    "share": ["1.0", "self.slot", "b", "self.gain", "TABLE[self.index]", "factor", "self.left"],
    "update": [
        "-self.learning_rate * self.output * m.delta + self.momentum * m.prev_weight",
        "-(self.learning_rate * m.delta) * self.output * <share>", "<share> * m.delta - 0.25 * m.prev_weight",
        "self.momentum * m.prev_weight - 0.125 * m.weight - self.output * m.delta * self.learning_rate",
        "m.delta * m.weight * 0.125", "0.25", "snap(m.delta * m.weight * <share>) + m.prev_weight / 2",
        "max(m.delta, <share>) * m.weight", "self.learning_rate * m.delta * (self.output + <share>)",
    ],
    "push": ["self.push(<update>)"],
    "pushes": [
        "s = 0.0\nfor m in messages:\n    s += m.delta * m.weight\n    <push>\na = snap(s)",
        "if <condition>:\n    for m in messages:\n        <push>",
        "for m in messages:\n    <body+message>\n    <push>",
        "for m in messages:\n    if <condition+message>:\n        <push>\n        <leave>\n    <push>", "pass",
        "if <condition>:\n    for m in messages:\n        <push>\nelse:\n    for m in messages:\n        <push>",
    ],
    "ends": [
        "pass", "pass", "if <condition>:\n    return self.feedforward(<real>)",
        "for m in messages:\n    if <condition+message>:\n        return self.feedforward(<real+message>)",
    ],
    "value": [
        "<real>", "self.activation(<real>)", "snap(self.activation(<real>) + <atom>)",
        "snap(self.activation(a) * self.slot)",
    ],
}  # fmt: skip

LEAVES = {"real": "atom", "whole": "index", "condition": "test", "statement": "simple", "deed": "simple"}

CLASS = """

def make(factor, offsets):
    class Drawn({base}):
        left = 0.75
{declared}
        def forward(self, messages):
            a, b, n, t = 0.25, 1, self.index, True
            self.left = 0.5
            {forward}
            self.feedforward({value})

        def backward(self, messages):
            a, b, n, t = self.output, 0.5, 1, self.flag
            {backward}
            {pushes}
            self.backpropagate(snap((a + b * self.left) * {slope}))

    return Drawn


Drawn = make({factor}, np.array([0.25, 1.0, -0.5, 0.75, -2.0]))
"""


@st.composite
def programs(draw: Any) -> str:
    """The text of a module with a neuron class ``Drawn`` that uses the language, and a class ``Plain``."""
    declared, rules = [], dict(RULES)
    if draw(st.booleans()):
        declared.append(f"level = State(0.5, {draw(st.sampled_from(['mean', 'sum', 'last']))!r})")
        rules["known"] = ["self.level"]
        rules["keep"] = ["self.level = <real>", "self.level += <atom>\nself.level = snap(self.level)"]
    forward = Grammar(rules, LEAVES, draw)
    ends = ["<statement>\n<statement>\n<ends>\n<statement>", "<statement>\n<ends>", "<messages>"]
    rules["forward"] = ends
    rules["backward"] = ["pass", "<statement>", "<statement>\n<statement>"]
    value = forward.text("value", 2)
    first = forward.text("forward", 4)
    behind = dict(rules, known=[*rules["known"], "self.left", "self.output"])
    if draw(st.booleans()):
        declared.append(f"trace = SynapseState(0.25, {draw(st.sampled_from(['mean', 'sum', 'last']))!r})")
        behind["push"] = [
            "m.trace = snap(m.trace / 2 + m.delta)\nself.push(<update> + m.trace)",
            "m.trace = b\nself.push(m.trace * m.delta)",
        ]
        behind["pushes"] = [rules["pushes"][0], rules["pushes"][2], rules["pushes"][1]]
    backward = Grammar(behind, LEAVES, draw)
    applies = "self.activation(" in value and "return" not in first
    parts = {
        "base": draw(st.sampled_from(["Base", "Middle"])),
        "declared": "".join(f"        {line}\n" for line in declared),
        "forward": first,
        "value": value,
        "backward": backward.text("backward", 4),
        "pushes": backward.text("pushes", 3),
        # A slope that forward never sets is refused.
        "slope": draw(st.sampled_from(["1.0", "self.activation.derivative()"])) if applies else "1.0",
        "factor": draw(st.sampled_from(["0.5", "-1", "True"])),
    }
    for name in ("forward", "backward", "pushes"):
        parts[name] = parts[name].replace("\n", "\n" + " " * 12)
    text = CLASS.format_map(parts)
    middle = text.index("def backward")
    return HELPERS + on_side(text[:middle], "on") + on_side(text[middle:], "back")
