"""What is understood of a neuron: which loops are matrix products and why not, what a push is made of, what drops."""

from __future__ import annotations

from pathlib import Path

import pytest

from horn.neurons import DropoutNeuron, ReLU, StandardNeuron, Tanh, is_weighted_sum
from horn.neurons.compiler.analysis.analysis import Analysis, analyse
from horn.neurons.compiler.analysis.drops import Drop
from horn.neurons.compiler.capture.lower import lower_method
from horn.neurons.compiler.emission.modules import layer_code
from horn.neurons.compiler.nir.expressions import Hyper, Type
from horn.neurons.compiler.nir.trees import plain, show
from horn.neurons.compiler.nir.varying import axes_of_locals, in_words

UNIT = """
C = 2.0


class Unit(StandardNeuron):
    gain = 0.5

    def forward(self, messages):
{forward}

    def backward(self, messages):
{backward}
"""
SUM = "total = 0.0\nfor m in messages:\n    total += m.input * m.weight\nself.feedforward(self.activation(total))"
PUSH = "for m in messages:\n    self.push(-self.learning_rate * m.weight_gradient)\nself.backpropagate(0.0)"


@pytest.fixture
def understood(define):
    """``understood(forward=, backward=)`` → the analysis of a class with these bodies, ReLU its activation."""

    def build(forward: str = SUM, backward: str = PUSH) -> Analysis:
        texts = {"forward": forward, "backward": backward}
        indented = {name: "\n".join(f"        {line}" for line in text.splitlines()) for name, text in texts.items()}
        return analyse(define(UNIT.format(**indented)).Unit, ReLU())

    return build


def one_loop(body: str, after: str = "self.feedforward(total)") -> str:
    return "total = 0.0\nother = 1.0\nfor m in messages:\n" + "\n".join(
        f"    {line}" for line in body.splitlines()
    ) + f"\n{after}"  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "total += m.input * m.weight",
        "total = m.weight * m.input + total",
        "total = total + m.input * m.weight * C",
        "total -= -(m.input * m.weight)",
        "total += m.input * (self.gain * m.weight) / 3.0",
        "x = m.input\nw = m.weight / 2.0\ntotal += x * w + w * x",
        "total += (m.input + m.input) * m.weight * other",
        "total += m.input * m.weight\nother -= 2.0 * m.input * m.weight",
        "if m.is_bias:\n    total += m.weight\nelse:\n    total += m.input * m.weight",
        "if m.sender > 1:\n    continue\ntotal += m.input * m.weight",
        "total += m.input",
        "total += m.weight * m.weight * m.input",
        "total += m.input * m.weight + 1.0",
        "total += math.exp(-m.input) * np.tanh(m.weight) * other",
        "total += (m.input - 0.5) ** 2",
        "if m.input > 0.5 and not m.weight > 0.0:\n    total += m.input * m.weight",
        "if self.index > 1:\n    total += m.input / m.weight",
    ],
)
def test_sums_are_products_however_they_are_spelled(body, understood) -> None:
    analysis = understood(forward=one_loop(body))
    assert [report.kept for report in analysis.loops if report.method == "forward"] == [None]
    assert "Σ" in show(analysis.forward)
    assert "for" not in show(analysis.forward)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("total += abs(m.input * m.weight)", "total sums what is no product: abs((m.input * m.weight)) is no product"),
        ("total += (m.input - m.weight) ** 2", "multiplies sums, which would lose digits"),
        ("total += (m.input - m.weight) * (m.weight - m.input)", "multiplies sums, which would lose digits"),
        ("total += max(m.input, self.output)", "is no product of what differs between examples"),
        ("if m.input > m.weight:\n    total += m.input", "the condition (m.input > m.weight) compares"),
        ("if m.input > 0.5:\n    total += m.input * math.log(m.weight)", "excludes log(m.weight), which may have no"),
        ("if m.input > 0.5:\n    total += m.input * m.weight / self.gain", "which may have no value there"),
        ("total += m.input * m.weight\nif total > 1.0:\n    break", "the loop contains a break"),
        ("total += m.input * m.weight\nif total > 1.0:\n    total += 1.0", "total is carried from one message to"),
        ("total += m.input * m.weight * self.uniform()", "each message has a random draw of its own"),
        ("total = total * 0.5 + m.input * m.weight", "total is carried from one message to the next"),
        ("other += m.input * m.weight\ntotal += other * m.input * m.weight", "total depends on another running value"),
        ("total = m.input * m.weight", "total is carried from one message to the next"),
        ("for i in range(2):\n    total += m.input * m.weight", "the loop contains another loop"),
    ],
)
def test_what_keeps_a_loop_a_loop(body, reason, understood, define) -> None:
    analysis = understood(forward=one_loop(body))
    (kept,) = [report.kept for report in analysis.loops if report.method == "forward"]
    assert kept is not None
    assert reason in kept.reason
    assert kept.where is not None
    assert analysis.loops_kept
    assert not analysis.weighted_sum


PUSHES = [
    # push, kind, scale, β, γ
    ("-self.learning_rate * m.weight_gradient", "product", "(-self.learning_rate)", "0.0", "0.0"),
    ("-self.output * m.delta", "product", "-1.0", "0.0", "0.0"),
    ("self.momentum * m.prev_weight - m.delta * self.output * C", "product", "(-2.0)", "self.momentum", "0.0"),
    ("m.prev_weight / 2.0 + self.gain * m.weight", "none", None, "(1.0 / 2.0)", "self.gain"),
    ("-self.gain * (self.output + 1.0) * m.delta", "product", None, "0.0", "0.0"),
    ("self.index * m.delta * self.output", "product", None, "0.0", "0.0"),
    ("m.delta * self.output / len(messages)", "product", None, "0.0", "0.0"),
    ("max(m.delta, 0.0)", "product", None, "0.0", "0.0"),
    ("m.delta * m.weight", "sum", None, "0.0", "0.0"),
    ("self.output * m.prev_weight", "sum", None, "0.0", "0.0"),
    ("m.prev_weight / len(messages) + m.weight", "sum", None, "0.0", "1.0"),
    ("0.1 + m.weight if m.receiver > 0 else 0.0", "sum", None, "0.0", "0.0"),
    ("max(m.delta, m.weight)", "loop", None, "0.0", "0.0"),
    ("m.weight_gradient * m.weight", "loop", None, "0.0", "0.0"),
]


@pytest.mark.parametrize(("push", "kind", "scale", "beta", "gamma"), PUSHES)
def test_a_push_has_its_parts(push, kind, scale, beta, gamma, understood) -> None:
    analysis = understood(backward=f"for m in messages:\n    self.push({push})\nself.backpropagate(0.0)")
    assert analysis.pushes == kind
    assert (analysis.scale is None) == (scale is None)
    if scale is not None:
        assert str(analysis.scale).strip("()") == scale.strip("()")
    assert (str(analysis.carry.beta), str(analysis.carry.gamma)) == (beta, gamma)


@pytest.mark.parametrize(
    ("backward", "kind"),
    [
        ("pass", "none"),
        ("if self.output > 0.0:\n    for m in messages:\n        self.push(self.output * m.delta)", "product"),
        ("if self.output > 0.0:\n    for m in messages:\n        self.push(m.prev_weight)", "sum"),
        ("if self.output > 0.0:\n    {product}\nelse:\n    {loop}", "loop"),
    ],
)
def test_pushes_are_products_everywhere_or_nowhere(backward, kind, understood) -> None:
    product, loop = (
        f"for m in messages:\n        self.push({pushed} * self.gain)"
        for pushed in ("m.delta", "max(m.delta, m.weight)")
    )
    text = backward.format(product=product, loop=loop) + "\nself.backpropagate(0.0)"
    analysis = understood(backward=text)
    assert analysis.pushes == kind
    assert ("PushFactor" in show(analysis.backward)) == (kind in ("product", "sum"))
    assert (" Push(" in show(analysis.backward)) == (kind == "loop")


BOTH = "total += m.input * m.weight\nother += m.input * m.weight"


def test_weighted_sums(understood, define) -> None:
    assert is_weighted_sum(StandardNeuron, ReLU())
    assert is_weighted_sum(DropoutNeuron, Tanh())
    assert understood(
        forward=one_loop("total += m.weight * m.input", "self.feedforward(total * self.index)")
    ).weighted_sum
    assert not understood(forward="self.feedforward(1.0)").weighted_sum
    assert not understood(forward=one_loop("total += 2.0 * m.input * m.weight")).weighted_sum
    assert not understood(forward=one_loop(BOTH, "self.feedforward(total * other)")).weighted_sum
    twice = "total = 0.0\nfor i in range(2):\n    for m in messages:\n        total += m.input * m.weight\n"
    assert not understood(forward=twice + "self.feedforward(total)").weighted_sum


DROPS = {
    "the library's": (DropoutNeuron, True),
    "no draw": (StandardNeuron, False),
    "the mask multiplies all": ("self.mask * y", "self.mask * gradient", "self.mask", "self.keep", True),
    "without the mask in the push, whose output is 0": ("self.mask * y", "self.mask * gradient", "1.0", "0.5", True),
    "the output stays": ("self.mask * y + 1.0", "self.mask * gradient", "self.mask", "0.5", False),
    "the delta stays": ("self.mask * y", "gradient + 1.0", "self.mask", "0.5", False),
    "the probability differs between neurons": (
        "self.mask * y",
        "self.mask * gradient",
        "1.0",
        "1 / self.index",
        False,
    ),
}

MASKED = """
class Unit(StandardNeuron):
    keep = 0.5

    def forward(self, messages):
        self.mask = self.binomial(1, {probability})
        y = self.activation(sum(m.input * m.weight for m in messages))
        self.feedforward({output})

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push({factor} * m.weight_gradient)
        self.backpropagate({delta} * self.activation.derivative())
"""


@pytest.mark.parametrize("name", DROPS)
def test_a_mask_that_takes_a_neuron_out_is_found(name, define) -> None:
    entry = DROPS[name]
    if len(entry) == 2:
        cls, dropped = entry
    else:
        output, delta, factor, probability, dropped = entry
        cls = define(MASKED.format(output=output, delta=delta, factor=factor, probability=probability)).Unit
    found = analyse(cls, ReLU()).drop
    assert (found is not None) == dropped
    if cls is DropoutNeuron:
        assert found == Drop(Hyper("keep", Type.FLOAT))


def test_a_drop_needs_loops_that_are_products(define) -> None:
    text = MASKED.format(output="self.mask * y", delta="self.mask", factor="m.weight", probability="0.5")
    assert analyse(define(text).Unit, ReLU()).drop is None


def test_the_representation_reads_as_python(define) -> None:
    module = define("""
def halve(x):
    return x / 2.0


class Unit(StandardNeuron):
    gain = 0.5

    def forward(self, messages):
        total = 0.0
        for m in messages:
            if not m.is_bias and m.weight > self.gain:
                total += halve(m.input)
                continue
            break
        i = 0
        while i < 3:
            i += 1
        for k in range(2):
            total -= k
        self.mask = self.binomial(1, self.gain) if self.training else self.gain
        self.feedforward(-max(total, 0.1) if self.mask else len(messages))
""")
    subject = analyse(module.Unit, ReLU()).subject
    assert (
        show(lower_method(subject, "forward").body)
        == """\
total_1 = 0.0
for m in messages:
    if ((not m.is_bias) and (m.weight > self.gain)):
        x_3 = m.input
        return_4 = (x_3 / 2.0)
        total_1 = (total_1 + return_4)
        continue
    break
i_5 = 0
while True:
    if (not (i_5 < 3)):
        break
    i_5 = (i_5 + 1)
for k_6 in range(0, 2, 1):
    k_7 = k_6
    total_1 = (total_1 - k_7)
if self.training:
    binomial_8 = self.binomial(1, self.gain)
    choice_9 = binomial_8
else:
    choice_9 = self.gain
self.mask = choice_9
FeedForward(((-max(total_1, 0.1)) if self.mask else len(messages)))"""
    )


def test_a_hoisted_neuron_is_what_remains_around_the_products() -> None:
    analysis = analyse(DropoutNeuron, ReLU())
    assert "for" not in show(analysis.forward)
    assert "binomial" not in show(analysis.predict)
    assert list(analysis.state) == ["self.mask"]
    assert show(analysis.backward).splitlines()[-1].startswith("Backpropagate(")


VARYING = """
rate = self.learning_rate * 2.0
near = self.index * rate
count = 0
for i in range(3):
    count += i
    if self.index > i:
        break
if self.training:
    rate = 0.0
large = 0.0
for m in messages:
    x = m.input
    large = max(large, x * near)
first = 0.0
for m in messages:
    first = max(first, m.weight)
choice = 1.0 if near else rate
if large > 0.5:
    choice = 2.0
self.feedforward(choice + count + first)
"""


def test_each_variable_has_its_index_set(understood) -> None:
    body = lower_method(understood(forward=VARYING.strip()).subject, "forward").body
    found = {plain(name): in_words(over) for name, over in axes_of_locals(body).items()}
    assert found == {
        "rate": "one for the layer",
        "near": "neuron",
        "i": "neuron",  # how far it comes
        "count": "neuron",
        "x": "example, message",
        "large": "neuron, example, message",
        "first": "neuron, message",
        "choice": "neuron, example, message",
    }


def test_index_sets_are_noted_in_the_generated_module(understood) -> None:
    near = "self.near = 1.0\nif self.index > 1:\n    self.near = 2.0\n"
    code = layer_code(understood(forward=f"{near}{SUM.replace('total)', 'total * self.near)')}"), "dense", "dense")
    text = Path(code.path).read_text()
    assert "self.near = 2.0  # neuron\n" in text
    assert "+ Σ(m.input * m.weight))  # neuron, example\n" in text
