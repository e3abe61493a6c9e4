"""Derivatives of expressions and of whole `forward` methods against central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from amounts import few_and_many
from hypothesis import given, settings
from hypothesis import strategies as st
from receivers import RECEIVERS, Receiver

from horn.neurons import Activation, Neuron, NeuronError, Sigmoid, StandardNeuron
from horn.neurons.compiler.analysis.analysis import analyse
from horn.neurons.compiler.derivatives.adjoint import DELTA, Reverse
from horn.neurons.compiler.derivatives.derivative import derivative
from horn.neurons.compiler.derivatives.derive import Derivation
from horn.neurons.compiler.derivatives.execute import Execution
from horn.neurons.compiler.derivatives.outside import taken_outside
from horn.neurons.compiler.emission.sweeping import types_of
from horn.neurons.compiler.nir.expressions import Binary, Call, Const, Expr, Local, Select, Unary
from horn.neurons.compiler.nir.intrinsics import INTRINSICS
from horn.neurons.interpreter.messages import Forward
from horn.neurons.neuron import hyperparameters

X, Y = Local("x"), Local("y")
#: Where a function is not defined, or not smooth, at 0.3 and 0.7: points that are right for it.
POINTS = {"acosh": (1.7, 0.7), "gamma": (-1.3, 0.7), "lgamma": (2.6, 0.7), "abs": (-0.3, 0.7), "copysign": (0.4, -2.0)}


def value(expression: Expr, x: float, y: float) -> float:
    execution = Execution({}, {}, {}, 0, [], max)
    execution.locals = {"x": np.float64(x), "y": np.float64(y)}
    return execution.derivative((), expression)


def check(expression: Expr, x: float, y: float) -> None:
    for name, (dx, dy) in {"x": (1e-6, 0.0), "y": (0.0, 1e-6)}.items():
        ahead, behind = value(expression, x + dx, y + dy), value(expression, x - dx, y - dy)
        found = value(derivative(expression, Local(name)), x, y)
        assert found == pytest.approx((ahead - behind) / 2e-6, rel=1e-6, abs=1e-8), f"∂({expression})/∂{name}"


@pytest.mark.parametrize("function", INTRINSICS)
def test_every_function_has_a_derivative(function: str) -> None:
    x, y = POINTS.get(function, (0.3, 0.7))
    arguments = (Binary("*", X, Y), Binary("-", Y, X))[: INTRINSICS[function].least]
    # The arguments themselves at the points: x·y = point.
    check(Call(function, arguments), x / y, y)
    check(Call(function, (X, Y)[: INTRINSICS[function].least]), x, y)


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "//", "%", "**", "<", "==", "and", "or"])
def test_every_operator_has_a_derivative(op: str) -> None:
    check(Binary(op, Unary("-", Unary("-", X)), Binary("*", Y, Const(2.0))), 1.3, 0.4)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5])
def test_powers(exponent: float) -> None:
    check(Binary("**", Binary("+", X, Y), Const(exponent)), 0.7, 0.4)


def test_a_selection_has_the_derivative_of_its_branch() -> None:
    branches = Select(Binary("<", X, Y), Binary("*", X, X), Binary("*", Y, X))
    check(branches, 0.2, 0.5)
    check(branches, 0.5, 0.2)


def test_extremes_of_several() -> None:
    for x, y in itertools.permutations((-0.7, 0.4, 1.9), 2):
        check(Call("max", (X, Y, Binary("*", X, Y))), x, y)
        check(Call("min", (X, Const(0.1), Y, Unary("-", X))), x, y)


# Whole methods ---------------------------------------------------------------------------------------------------


def derived(cls: type[Neuron], activation: Activation) -> Derivation:
    found = analyse(cls, activation).derivation
    assert isinstance(found, Derivation)
    return found


def outside(derivation: Derivation) -> Reverse:
    """The derivatives, with what all messages share before the sweeps, as kernels compute them."""
    return taken_outside(derivation.messages, types_of(derivation.messages, {}))


def gradients(derivation: Derivation, numbers: dict, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∂output/∂input and ∂output/∂weight of the messages; the first is the bias."""
    messages = [Forward(a, b, k - 1, k == 0) for k, (a, b) in enumerate(zip(x, w, strict=True))]
    execution = Execution(numbers, {}, {}, 0, messages, lambda kind, *arguments: arguments[0])
    execution.forward(derivation.flow.taped)
    slope = execution.derivative(derivation.slope, derivation.output_slope)
    found = execution.gradients(derivation.messages, DELTA, slope)
    for part, again in zip(found, execution.gradients(outside(derivation), DELTA, slope), strict=True):
        np.testing.assert_allclose(again, part, rtol=1e-9, atol=1e-12)
    return found


def differences(function, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of a NumPy function, by central differences."""
    steps = 1e-6 * np.eye(len(x))
    inputs = [(function(x + h, w) - function(x - h, w)) / 2e-6 for h in steps]
    weights = [(function(x, w + h) - function(x, w - h)) / 2e-6 for h in steps]
    return np.array(inputs), np.array(weights)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("receiver", RECEIVERS, ids=str)
def test_receivers_of_every_kind(receiver: Receiver, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, w = random.normal(size=(2, 7))
    x[0] = 1.0
    derivation = derived(receiver.cls, receiver.activation)
    expected = differences(lambda x, w: receiver.function(x[None], w[:, None])[0, 0], x, w)
    for found, wanted in zip(gradients(derivation, hyperparameters(receiver.cls), x, w), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-8)


def test_the_cut(define) -> None:
    unit = define("""
class Twice(Neuron):
    def forward(self, messages):
        best = max(m.input * m.weight for m in messages)
        self.feedforward(self.activation(best) + best)


class Once(Neuron):
    def forward(self, messages):
        best = max(m.input * m.weight for m in messages)
        self.feedforward(self.activation(0.5 * best) * 3.0)
""")
    assert derived(unit.Twice, Sigmoid()).output_slope == Const(1.0)
    once = derived(unit.Once, Sigmoid())
    # The delta belongs to 0.5 · best: half of it goes through the greatest message.
    messages = [Forward(0.5, 2.0, 0), Forward(0.5, 3.0, 1)]
    execution = Execution({}, {}, {}, 0, messages, max)
    output = execution.forward(once.flow.taped) / 3.0
    assert execution.derivative(once.slope, once.output_slope) == pytest.approx(3.0 * output * (1 - output))
    found = execution.gradients(once.messages, DELTA, 1.0)
    np.testing.assert_allclose(found, [[0.0, 1.5], [0.0, 0.25]])
    plain = derived(StandardNeuron, Sigmoid())
    execution = Execution({}, {}, {}, 0, messages, max)
    execution.forward(plain.flow.taped)
    np.testing.assert_allclose(execution.gradients(plain.messages, DELTA, 1.0), [[2.0, 3.0], [0.5, 0.5]])


def test_draws_and_constants_are_left_alone(define) -> None:
    unit = define("""
class Unit(Neuron):
    def forward(self, messages):
        noise = 0.0
        for k in range(3):
            noise += self.uniform(0.5, 1.0)
        scale = self.normal(2.0, 1.0)
        total = 0.0
        for m in messages:
            total += m.input * m.weight * scale
        self.feedforward(total * total + noise)
""")
    x, w = np.array([1.0, 0.5]), np.array([0.25, 2.0])
    found = gradients(derived(unit.Unit, Sigmoid()), {}, x, w)
    total = 2.0 * x @ w
    np.testing.assert_allclose(found, [4 * total * w, 4 * total * x])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("total += self.uniform(0, 1) * m.input", "a random draw"),
        ("for k in range(3): total += self.normal(0, 1)", "a random draw"),
    ],
)
def test_what_has_no_derivative_names_its_line(line: str, reason: str, define, first_line: int) -> None:
    unit = define(f"""class Unit(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input - m.weight
            {line}
        self.feedforward(total)
""")
    error = analyse(unit.Unit, Sigmoid()).derivation
    assert isinstance(error, NeuronError)
    assert reason in str(error)
    assert error.where is not None
    assert error.where.line == first_line + 5


def test_what_all_messages_share_is_computed_once(define) -> None:
    unit = define("""
class Unit(Neuron):
    rate = 0.5

    def forward(self, messages):
        total = 0.0
        for m in messages:
            difference = m.input - m.weight
            total += difference * difference
        count = len(messages)
        value = 0.0
        for m in messages:
            value += m.input * math.exp(total) * (count * count) * self.rate
        self.feedforward(value)
""")
    found = outside(derived(unit.Unit, Sigmoid()))
    distances = found.sweeps[-1]
    # Of adjoint · (2 · difference), the chain rule's, one product is left for each message.
    assert not distances.adjoints
    assert [str(step.value).count("*") for step in distances.steps] == [0, 1]
    kept = "".join(str(value) for sweep in found.sweeps for value in (sweep.input_gradient, *dict(sweep.sums).values()))
    assert "exp" not in kept
    x, w = np.random.default_rng(3).uniform(-0.5, 0.5, (2, 4))

    def function(x: np.ndarray, w: np.ndarray) -> float:
        return float(x.sum() * np.exp(((x - w) ** 2).sum()) * 16 * 0.5)

    found = gradients(derived(unit.Unit, Sigmoid()), {"rate": 0.5}, x, w)
    for part, wanted in zip(found, differences(function, x, w), strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        ("for m in messages: total += m.input", "a loop over messages within another loop"),
        ("self.feedforward(total)", "self.feedforward(...) within another loop"),
    ],
)
def test_what_another_loop_may_not_hold(inner: str, reason: str, define, first_line: int) -> None:
    unit = define(f"""class Unit(Neuron):
    def forward(self, messages):
        total = sum(m.input for m in messages)
        for k in range(2):
            {inner}
        if total > 7.0:
            self.feedforward(total)
""")
    error = analyse(unit.Unit, Sigmoid()).derivation
    assert isinstance(error, NeuronError)
    assert reason in str(error)
    assert error.where is not None
    assert error.where.line == first_line + 4


def test_what_messages_decide_in_steps_alone_has_no_slope(define) -> None:
    unit = define("""
class Unit(Neuron):
    def forward(self, messages):
        total = sum(m.input * m.weight * m.weight for m in messages)
        count = 0
        while total > 1.0:
            total *= 0.5
            count += 1
        self.feedforward(count)
""")
    derivation = derived(unit.Unit, Sigmoid())
    x, w = np.array([1.0, 0.5]), np.array([4.0, 2.0])
    np.testing.assert_array_equal(gradients(derivation, {}, x, w), np.zeros((2, 2)))
    assert analyse(unit.Unit, Sigmoid()).state == {}


# Drawn bodies ----------------------------------------------------------------------------------------------------

_TERMS = ["m.input", "m.weight", "a", "b", "0.7", "self.k"]


def _expression(draw, depth: int, names: list[str]) -> str:
    kind = draw(st.integers(0, 6 if depth else 0))
    if kind == 0:
        return draw(st.sampled_from(names))
    inner = [_expression(draw, depth - 1, names) for _ in range(2)]
    return [
        "", f"({inner[0]} + {inner[1]})", f"({inner[0]} * {inner[1]})", f"math.tanh({inner[0]})",
        f"({inner[0]} / (1.5 + abs({inner[1]})))", f"math.sin({inner[0]} - {inner[1]})",
        f"({inner[0]} if {inner[1]} > 0.1 else 0.5 * {inner[0]})",
    ][kind]  # fmt: skip


def _message_loop(draw) -> list[str]:
    lines = ["for m in messages:"]
    for name in draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3)):
        lines.append(f"    {name} = 0.5 * {name} + math.tanh({_expression(draw, 2, _TERMS)})")
        if draw(st.integers(0, 3)) == 0:
            lines += ["    " + line for line in _plain_loop(draw, ["a", "b", "c", "m.input", "m.weight"])]
        leaving = draw(st.sampled_from(["", "", "continue", "break"]))
        if leaving:
            lines += [f"    if {_expression(draw, 1, _TERMS)} > 0.4:", f"        {leaving}"]
    return lines


def _plain_loop(draw, names: list[str]) -> list[str]:
    """A loop that ends, `c` counts up, on the results of message loops or within one."""
    lines = ["c = 0.1"]
    lines.append(draw(st.sampled_from(["for j in range(3):", "for c in range(2):", "while c < 1.0 + 0.3 * a:"])))
    lines.append("    c += 0.35")
    for name in draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3)):
        value = _expression(draw, 2, names)
        lines.append(draw(st.sampled_from([f"    {name} = {value} * 0.8", f"    {name} = self.activation({value})"])))
        leaving = draw(st.sampled_from(["", "", "continue", "break"]))
        if leaving:
            lines += [f"    if {_expression(draw, 1, names)} > 0.3:", f"        {leaving}"]
    return lines


@st.composite
def smooth_bodies(draw) -> str:
    """A `forward` of loops, each on the results of those before it, smooth but for a few kinks."""
    lines = ["a, b = 0.3, -0.2"]
    for _ in range(draw(st.integers(1, 2))):
        lines += _message_loop(draw)
        lines.append(f"a = {_expression(draw, 2, ['a', 'b', '0.7', 'self.k'])}")
        if draw(st.booleans()):
            lines += _plain_loop(draw, ["a", "b", "c", "0.7", "self.k"])
    lines.append("self.feedforward(self.activation(a) + b)")
    body = "\n".join("        " + line for line in lines)
    return f"class Unit(Neuron):\n    k = 0.4\n\n    def forward(self, messages):\n{body}\n"


@few_and_many(20, 3000)
def test_drawn_bodies(amount: settings, define) -> None:
    @amount
    @given(text=smooth_bodies(), seed=st.integers(0, 1000))
    def check_body(text: str, seed: int) -> None:
        cls = define(text).Unit
        derivation = derived(cls, Sigmoid())
        x, w = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, 4))

        def output(x: np.ndarray, w: np.ndarray) -> float:
            """The method itself, on Python's floats."""
            unit = cls.__new__(cls)
            unit.activation = lambda value: 1 / (1 + np.exp(-value))
            said: list[float] = []
            unit.feedforward = said.append
            unit.forward([Forward(a, b, 0) for a, b in zip(x, w, strict=True)])
            return float(said[0])

        for h in (1e-6, 1e-7):
            inputs = [(output(x + d, w) - output(x, w)) / h for d in h * np.eye(4)]
            if not np.allclose(inputs, [(output(x, w) - output(x - d, w)) / h for d in h * np.eye(4)], atol=1e-4):
                return  # a kink
        found = gradients(derivation, {"k": 0.4}, x, w)
        for part, wanted in zip(found, differences(output, x, w), strict=True):
            np.testing.assert_allclose(part, wanted, rtol=1e-5, atol=1e-7)

    check_body()
