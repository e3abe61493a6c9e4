"""What a user may write wrongly is told when the network is built, with the user's file and line; never by numba."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from textwrap import indent

import numpy as np
import pytest
from mistaken_bodies import BACKWARD, FORWARD, HEAD
from numba.core.errors import TypingError

from horn.neurons import Compiled, DropoutNeuron, Identity, Neuron, NeuronError, Rates, StandardNeuron
from horn.neurons.compiler.operations import faults
from horn.neurons.neuron import hyperparameters


def refused(define, chain, name: str, text: str, message: str) -> None:
    module = define(text)
    path = Path(module.__file__)
    spec = chain((2, StandardNeuron), (2, module.Unit), (1, StandardNeuron))
    with pytest.raises(NeuronError, match=message) as caught:
        Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
    where = caught.value.where
    assert where is not None, str(caught.value)
    assert Path(where.file) == path
    lines = path.read_text().splitlines()
    marks = [number for number, line in enumerate(lines, 1) if line.endswith(f"# HERE {name}")]
    marks = marks or [number for number, line in enumerate(lines, 1) if line.endswith("# HERE")]
    assert where.line == marks[0]
    assert where.text.strip() in lines[where.line - 1]
    assert f'File "{path}", line {where.line}' in str(caught.value)


@pytest.mark.parametrize("name", FORWARD)
def test_a_mistake_in_forward(name, define, chain) -> None:
    body, message = FORWARD[name]
    text = body if body.startswith("def") else "def forward(self, messages):\n" + indent(body, "    ")
    if name == "an attribute set by backward only":
        text += "\n\ndef backward(self, messages):\n    self.late = 1.0\n    self.backpropagate(0.0)"
    refused(define, chain, name, HEAD + indent(text, "    "), message)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("self.feedforward(1.0 + totl * 2.0)", "totl"),
        ("größe = 'größer' + 1.0; x = größe", "'größer'"),
        ("x = (1.0 +\n         [2.0])", "[2.0]"),
        ("x = [1.0,\n         2.0]", "[1.0,"),
        ("x =\t{}", "{}"),
        ("x = 1.0 if self.index else math.sine(1.0)", "math.sine"),
        ("x = again(1.0)", "again(x - 1.0)"),
        ("x = SHIFTED(1.0)", "x << 1"),
        ("x = SPREAD(1.0)", "{x}"),
    ],
)
def test_the_expression_at_fault_is_marked(text, marked, define, chain) -> None:
    lambdas = "SHIFTED = (lambda x: x << 1)\nSPREAD = dict(of=(\n    lambda x:\n    {x}))['of']\n"
    body = "def forward(self, messages):\n    " + text + "\n    self.feedforward(1.0)"
    module = define(HEAD.replace("\n\ndef helper", lambdas + "\n\ndef helper") + indent(body, "    "))
    with pytest.raises(NeuronError) as caught:
        Compiled(chain((2, module.Unit)), *np.zeros((2, 0), np.float32), seed=0, training=False)
    line, carets = str(caught.value).splitlines()[-2:]
    start = carets.index("^")
    assert line[start:][: carets.count("^")] == marked
    assert line[:start].expandtabs() == carets[:start].expandtabs() or line[:start].strip()


@pytest.mark.parametrize("name", BACKWARD)
def test_a_mistake_in_backward(name, define, chain) -> None:
    body, message = BACKWARD[name]
    forward = """
def forward(self, messages):
    if not self.training:
        self.scale = 0.5
    if self.index > 1:
        self.mark = 0.5
    super().forward(messages)

"""
    text = body if body.startswith("def") else "def backward(self, messages):\n" + indent(body, "    ")
    if "backpropagate" not in body and not body.startswith("def"):
        text += "\n    self.backpropagate(0.0)"
    refused(define, chain, name, HEAD + indent(forward + text, "    "), message)


def test_what_a_run_alone_can_tell(define, chain) -> None:
    module = define("""
class Unit(StandardNeuron):
    def forward(self, messages):
        if self.index == 1:
            self.feedforward(1.0)
""")
    spec = chain((2, StandardNeuron), (2, module.Unit))
    engine = Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0, training=False)
    for _ in range(2):  # the second time as well
        with pytest.raises(NeuronError, match=r"neuron of layer 1 \(Unit\) did not call self.feedforward") as caught:
            engine.predict(np.zeros((1, 2), np.float32))
        assert "def forward(self, messages):" in caught.value.where.text


def test_a_step_of_nothing_that_a_run_alone_can_tell(define, chain) -> None:
    module = define("""
class Unit(StandardNeuron):
    stride = 0

    def forward(self, messages):
        total = 0.0
        for i in range(0, 4, self.stride):
            total += i
        self.feedforward(total)
""")
    spec = chain((2, StandardNeuron), (2, module.Unit))
    engine = Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0, training=False)
    with pytest.raises(NeuronError, match=r"Unit of layer 1: a range.* the step 0"):
        engine.predict(np.zeros((1, 2), np.float32))


def test_what_numba_refuses_is_told_as_a_fault_of_ours(define, chain, monkeypatch) -> None:
    module = define(HEAD + "    pass")
    spec = chain((2, StandardNeuron), (2, module.Unit))
    engine = Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0, training=False)

    def refuse(*arguments):
        raise TypingError("Failed in nopython mode\n\nno such type\nwhile")

    code = engine.passes.stages[1].code
    refusing = dataclasses.replace(code.predict[-1], function=refuse)
    engine.passes.stages[1].code = dataclasses.replace(code, predict=(*code.predict[:-1], refusing))
    with pytest.raises(NeuronError, match=r"Unit of layer 1 cannot be made.*unit_.*no such type") as caught:
        engine.predict(np.zeros((1, 2), np.float32))
    assert (caught.value.__cause__ is None, caught.value.__suppress_context__) == (True, True)
    monkeypatch.setenv("HORN_DEBUG", "1")
    with pytest.raises(NeuronError) as caught:
        engine.predict(np.zeros((1, 2), np.float32))
    assert isinstance(caught.value.__cause__, TypingError)
    with pytest.raises(NeuronError, match=r"cost Odd cannot be made machine code.* report it with odd.py and.*no such"):
        faults.guarded(refuse, "cost Odd", "odd.py")()


def test_a_probability_that_is_none(chain) -> None:
    for keep in (1.5, -0.25):
        spec = chain((2, StandardNeuron), (2, DropoutNeuron), numbers={"keep": keep})
        with pytest.raises(NeuronError, match=rf"p must be in \[0, 1\], self.keep is {keep}") as caught:
            Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
        assert "self.binomial(1, self.keep)" in caught.value.where.text


def test_wrong_parameters(define, chain) -> None:
    module = define("""
class Unit(StandardNeuron):
    def forward(self, messages, extra):
        self.feedforward(1.0)
""")
    with pytest.raises(NeuronError, match=r"Unit.forward must take \(self, messages\), it takes") as caught:
        Compiled(chain((2, module.Unit)), np.zeros(0, np.float32), np.zeros(0, np.float32), seed=0)
    assert "def forward(self, messages, extra):" in caught.value.where.text


def test_missing_methods(chain) -> None:
    class Silent(Neuron):
        pass

    class Forward(Neuron):
        def forward(self, messages):
            total = 0.0
            for m in messages:
                total += m.input * self.uniform(0.0, 1.0)
            self.feedforward(total)

    none = np.zeros(0, np.float32)
    with pytest.raises(NeuronError, match=r"Silent has no forward\(self, messages\)"):
        Compiled(chain((2, Silent)), none, none, seed=0)
    reason = r"layer 0 \(Forward\) cannot be trained: Forward has no backward.* each message has a random draw"
    with pytest.raises(NeuronError, match=reason) as caught:
        Compiled(chain((2, Forward)), none, none, seed=0)
    assert caught.value.where is not None
    assert "uniform" in caught.value.where.text
    assert Compiled(chain((2, Forward)), none, none, seed=0, training=False).predict(np.ones((1, 2), np.float32)).all()


def test_a_slope_that_forward_never_sets(define, chain) -> None:
    module = define("""
class Forgetful(StandardNeuron):
    def forward(self, messages):
        self.feedforward(sum(m.input * m.weight for m in messages))
""")
    parameters = np.zeros(chain((2, StandardNeuron), (3, module.Forgetful)).size, np.float32)
    spec = chain((2, StandardNeuron), (3, module.Forgetful))
    with pytest.raises(NeuronError, match=r"layer 1 \(Forgetful\) cannot be trained: .* never calls self.activation"):
        Compiled(spec, parameters, parameters.copy(), seed=0)
    Compiled(spec, parameters, parameters.copy(), seed=0, training=False)
    # The inputs' delta is used by nobody.
    spec = chain((2, module.Forgetful), (3, StandardNeuron))
    Compiled(spec, parameters, parameters.copy(), seed=0)


def test_an_unknown_hyperparameter() -> None:
    with pytest.raises(NeuronError, match="has no hyperparameter 'kep'"):
        hyperparameters(StandardNeuron, {"kep": 0.5})


def test_a_class_without_source(chain) -> None:
    scope: dict[str, type[Neuron]] = {"StandardNeuron": StandardNeuron}
    exec("class Typed(StandardNeuron):\n    def forward(self, messages):\n        self.feedforward(1.0)", scope)
    none = np.zeros(0, np.float32)
    with pytest.raises(NeuronError, match=r"source of Typed.forward \(from <string>\) cannot be read"):
        Compiled(chain((2, scope["Typed"])), none, none, seed=0)


@pytest.mark.parametrize("lines", [-3, -1, 2, 3, 5])
def test_a_file_that_has_changed_since_it_was_imported(lines, define, chain) -> None:
    """Lines that were added or removed above: what stands where the method stood is another one, or none."""
    module = define("""
def helper():
    return 1.0

class Unit(StandardNeuron):
    def backward(self, messages):
        self.backpropagate(0.0)

    def forward(self, messages):
        self.feedforward(1.0)
""")
    path = Path(module.__file__)
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join(text[-lines:] if lines < 0 else ["# new\n"] * lines + text))
    with pytest.raises(NeuronError, match=r"source of Unit\.\w+ \(from .*\) cannot be read"):
        Compiled(chain((2, module.Unit)), np.zeros(0, np.float32), np.zeros(0, np.float32), seed=0)


def test_an_activation_and_a_cost_are_told_with_their_lines(define, chain) -> None:
    module = define("""
class Broken(Activation):
    def apply(self, x):
        return x if x > 0 else missing  # HERE

    def derivative(self, y):
        return 1.0


class Costly(Cost):
    def apply(self, output, target):
        return [output, target]  # HERE

    def derivative(self, output, target):
        return 1.0
""")
    for options, text in (
        ({"activation": module.Broken()}, "else missing"),
        ({"cost": module.Costly()}, "return [output, target]"),
    ):
        activation = options.pop("activation", Identity())
        spec = chain((2, StandardNeuron), (1, StandardNeuron, activation), **options)
        with pytest.raises(NeuronError) as caught:
            Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
        assert text in caught.value.where.text


def test_a_number_that_the_split_of_a_push_cannot_have(define, chain) -> None:
    module = define("""
class Unit(StandardNeuron):
    period = 0

    def backward(self, messages):
        for m in messages:
            self.push(self.momentum / self.period * m.prev_weight)
        self.backpropagate(0.0)
""")
    spec = chain((2, module.Unit), (1, StandardNeuron))
    engine = Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
    with pytest.raises(NeuronError, match=r"\(self.momentum / self.period\) has no value.*period = 0"):
        engine.passes.stages[spec.blocks[0].layer - 1].coefficients(Rates(0, 0.5, 0.5))
