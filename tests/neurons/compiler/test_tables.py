"""Arrays from outside of the class: read as NumPy reads them, looked up at each start, no part of the code."""

from __future__ import annotations

import numpy as np
import pytest

from horn.neurons import Compiled, Interpreter, NeuronError, StandardNeuron
from horn.neurons.compiler.emission import cache

HEAD = """
THRESHOLDS = np.array([0.5, 0.25, 1.0, 2.0])
ORDER = np.array([3, -4, 2, 0], np.int16)
ON = np.array([True, False, True, False])
KERNEL = np.asfortranarray(np.arange(20, dtype=np.float64).reshape(5, 4) / 8)
LIST = [0.5, 0.25, 1.0, 2.0]
PAIRS = ((1, 2), (3, 4), (5, 6), (7, 8))
SHORT, EMPTY, FLAT = np.ones(3), np.ones(0), np.array(0.5)


class Options:
    scale = np.array([1.0, 0.5, 0.25, 2.0], np.float16)


def item(of, place):
    return of[place]


class Unit(StandardNeuron):
    own = np.array([0.5, -1.0, 0.25, 1.0])

    def forward(self, messages):
        x = 0.0
        for m in messages:
            x += m.input * m.weight
"""

READ = {
    "the neuron's": "x * THRESHOLDS[self.index]",
    "a class attribute": "x * self.own[self.index]",
    "of an object": "x * Options.scale[self.index]",
    "whole numbers, from the end": "x * ORDER[self.index] + THRESHOLDS[ORDER[self.index]]",
    "truth values": "x if ON[self.index] else -x",
    "known places": "x * THRESHOLDS[2] + THRESHOLDS[-1]",
    "two axes": "x * KERNEL[self.index, 1] + KERNEL[-1][self.index]",
    "a computed place": "x * THRESHOLDS[max(min(int(x * 2), 3), -4)]",
    "only where it is asked for": "THRESHOLDS[int(x)] if -4 <= int(x) < 4 else 0.5",
    "lists and tuples": "x * LIST[self.index] + PAIRS[self.index][1] - PAIRS[self.index % 2][0]",
    "in a helper": "item(THRESHOLDS, self.index) + item(self.own, 1) * x",
    "sizes": "x * len(THRESHOLDS) + KERNEL.shape[1] + sum(THRESHOLDS[m.sender] for m in messages)",
    "per message": "sum(m.input * KERNEL[m.sender, self.index] for m in messages)",
    "a probability for each neuron": "x * self.binomial(ORDER[2], THRESHOLDS[self.index] / 2)",
}


@pytest.mark.parametrize("name", READ)
def test_items(name, define, around, compare) -> None:
    module = define(f"{HEAD}        self.feedforward({READ[name]})")
    compare(around(module.Unit), train=False, exact=True)


BACKWARD = """
    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight * THRESHOLDS[self.index]
            self.push({push})
        self.backpropagate(gradient * self.own[self.index])
"""


@pytest.mark.parametrize(
    ("push", "kept"),
    [
        ("m.delta * THRESHOLDS[self.index] + LIST[1] * m.prev_weight", False),
        ("m.delta * self.own[m.receiver]", True),
        ("m.delta * KERNEL[self.index, m.receiver] + m.weight * KERNEL[0, self.index]", True),
    ],
)
def test_items_in_backward(push, kept, define, around, compare) -> None:
    text = f"{HEAD}        self.feedforward(x)\n{BACKWARD.format(push=push)}"
    spec = around(define(text).Unit)
    compare(spec, exact=True)
    engine = Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
    assert engine.passes.stages[1].code.analysis.loops_kept is kept


def predicted(spec, kind=Compiled):
    parameters = ((np.arange(spec.size) % 9 - 4) / 4).astype(np.float32)
    engine = kind(spec, parameters, np.zeros_like(parameters), seed=0, training=False)
    return engine.predict(np.ones((1, 3), np.float32))


def test_what_an_array_holds_is_looked_up_at_each_start(define, around) -> None:
    module = define(HEAD + "        self.feedforward(x * THRESHOLDS[self.index])")
    spec = around(module.Unit)
    np.testing.assert_array_equal(before := predicted(spec), predicted(spec, Interpreter))
    files = set(cache.folder().iterdir())
    module.THRESHOLDS[:] = [4.0, 3.0, 2.0, 1.0]
    np.testing.assert_array_equal(changed := predicted(spec), predicted(spec, Interpreter))
    module.THRESHOLDS = np.full(6, 0.75, np.float32)
    np.testing.assert_array_equal(other := predicted(spec), predicted(spec, Interpreter))
    assert files == set(cache.folder().iterdir())  # nothing is compiled anew
    assert (before != changed).any()
    assert (changed != other).any()


def test_another_type_or_shape_is_another_code(define, around) -> None:
    module = define(HEAD + "        self.feedforward(x * THRESHOLDS[self.index])")
    spec = around(module.Unit)
    predicted(spec)
    module.THRESHOLDS = np.array([1, 2, 3, 4])
    np.testing.assert_array_equal(predicted(spec), predicted(spec, Interpreter))
    module.THRESHOLDS = np.ones((4, 2))
    with pytest.raises(NeuronError, match="the array THRESHOLDS stands where a number is needed"):
        predicted(spec)


def test_arrays_of_one_name_are_two(define, around, compare) -> None:
    module = define("""
def scaled(table):
    def of(place):
        return table[place]
    return of


ONE, TWO = scaled(np.array([1.0, 2.0, 3.0, 4.0])), scaled(np.array([0.5, 0.25, 0.75, 1.0]))


class Unit(StandardNeuron):
    def forward(self, messages):
        x = sum(m.input * m.weight for m in messages)
        self.feedforward(x * ONE(self.index) + TWO(self.index))
""")
    compare(around(module.Unit), train=False, exact=True)


REFUSED = {
    "too short for the layer": (
        "SHORT[self.index]", r"SHORT has the shape \(3,\), and SHORT\[self.index\] in layer 1 \(Unit\) needs \(4,\)",
    ),
    "too short for the senders": ("sum(KERNEL[0, m.sender] * SHORT[m.sender + 1] for m in messages)", "out of range"),
    "no such place": ("THRESHOLDS[4]", r"shape \(4,\), and THRESHOLDS\[4\] in layer 1 \(Unit\) needs \(5,\)"),
    "empty": ("EMPTY[int(x)]", r"EMPTY has the shape \(0,\)"),
    "a fraction as place": ("THRESHOLDS[x]", r"THRESHOLDS\[x\]: an index is a whole number, write int"),
    "a truth value as place": ("THRESHOLDS[x > 0]", "an index is a whole number"),
    "too many places": ("THRESHOLDS[0, 1]", "THRESHOLDS has 1 dimensions and gets 2 indices"),
    "too few places": ("KERNEL[0]", "the array KERNEL stands where a number is needed"),
    "all of it": ("THRESHOLDS", "the array THRESHOLDS stands where a number is needed"),
    "a slice": ("THRESHOLDS[1:]", "a slice cannot be compiled"),
    "no axes": ("FLAT", "a ndarray stands where a number is needed"),
    "a method": ("THRESHOLDS.sum()", "the array THRESHOLDS has no attribute 'sum'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, define, around) -> None:
    expression, message = REFUSED[name]
    module = define(f"{HEAD}        self.feedforward({expression})  # HERE")
    with pytest.raises(NeuronError, match=message) as caught:
        predicted(around(module.Unit))
    assert caught.value.where.text.endswith("# HERE")


def test_out_of_range_in_a_run(define, around) -> None:
    module = define(HEAD + "        self.feedforward(KERNEL[self.index, int(x * 100)])  # HERE")
    for _ in range(2):
        with pytest.raises(
            NeuronError, match=r"layer 1 \(Unit\): KERNEL\[self.index, int\(x \* 100\)\]: index"
        ) as caught:
            predicted(around(module.Unit))
        assert "is out of range, axis 1 has the size 4" in caught.value.message
        assert caught.value.where.marked == "KERNEL[self.index, int(x * 100)]"
    Compiled.prepare(around(module.Unit), training=False)  # what goes wrong there need not go wrong in the run


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        ("self.binomial(1, THRESHOLDS[self.index])", "p must be in [0, 1], got 2"),
        ("self.binomial(1, x - 9.5)", "p must be in [0, 1], got -"),
        ("self.binomial(self.index - 1, 0.5)", "n must be a whole number of trials, got -1"),
        ("self.binomial(THRESHOLDS[self.index] + 1.0, 0.5)", "n must be a whole number of trials, got 1."),
    ],
)
def test_draws_that_only_a_run_can_tell(draw, message, define, around) -> None:
    module = define(f"{HEAD}        self.feedforward({draw})")
    for kind in (Compiled, Interpreter):
        with pytest.raises(NeuronError) as caught:
            predicted(around(module.Unit), kind)
        assert message in caught.value.message
        assert caught.value.where.marked == draw


def test_a_cost_reads_no_array(define, chain) -> None:
    module = define("""
CLASSES = np.ones(3)


class Weighted(Cost):
    def apply(self, output, target):
        return CLASSES[0] * (output - target)

    def derivative(self, output, target):
        return CLASSES[0]
""")
    spec = chain((3, StandardNeuron), (2, StandardNeuron), cost=module.Weighted())
    with pytest.raises(NeuronError, match=r"cost Weighted.apply: a cost is .* reads no array \(CLASSES\)"):
        Compiled(spec, *np.zeros((2, spec.size), np.float32), seed=0)
