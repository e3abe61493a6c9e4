"""What `explain` says: the operations of a step, the tier of each loop, the reason for a lower one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.neurons import (
    CategoricalCrossEntropy,
    Compiled,
    DropoutNeuron,
    Identity,
    NetworkSpec,
    NeuronError,
    ReLU,
    Softmax,
    StandardNeuron,
    explain,
    explain_network,
)
from horn.neurons.compiler.nir.expressions import Binary, Call, Const, Draw, Field, Local
from horn.neurons.compiler.nir.statements import Assign, If, MessageLoop, RangeLoop, While
from horn.neurons.compiler.operations.operation import Values
from horn.neurons.compiler.operations.watching import Watched
from horn.neurons.compiler.operations.work import Work, arithmetic
from horn.neurons.compiler.report.plan import Call as PlannedCall
from horn.neurons.compiler.report.plan import training_step
from horn.neurons.engine import Rates

RATES = Rates(0, 0.1, 0.9)

FIRST_LARGE = """
class FirstLarge(StandardNeuron):
    limit = 0.5

    def forward(self, messages):
        found = 0.0
        for m in messages:
            if m.input * m.weight > self.limit:
                found = m.input
                break
        self.feedforward(found)
"""

SMALL = """
3-2, 8 parameters, CategoricalCrossEntropy

layer 0: 3 × StandardNeuron, Identity, in standardneuron_identity_single_dense_….py
  forward (standard.py:…): one message
  backward (standard.py:…): GEMM
      gradient: m.input_gradient
      push: (-self.learning_rate) * m.weight_gradient
      push: self.momentum * m.prev_weight
layer 1: 2 × StandardNeuron, ReLU, in standardneuron_relu_dense_single_….py
  forward (standard.py:…): GEMM
      total: m.input * m.weight
  backward (standard.py:…): one message

One training step of 4 examples

layer  method    kind    operation          sizes  flops  functions  bytes
--------------------------------------------------------------------------
    0  forward   kernel  forward              4×3     12             156 B
    1  forward   GEMM    S = X·W        4×4 · 4×2     64             128 B
    1  forward   kernel  forward              4×2     32             152 B
    1  cost      pass    gradient             4×2     72          8  128 B
    1  backward  kernel  backward             4×2     16             184 B
    0  weights   GEMM    D = Aᵀ·deltas  4×4 · 4×2     64             160 B
    0  weights   pass    add                    8      8              96 B

2 GEMMs (128 FLOP, 288 B), 3 kernels (60 FLOP, 492 B), 2 passes (80 FLOP, 224 B)

Prediction of 4 examples

1 GEMM (64 FLOP, 128 B), 2 kernels (28 FLOP, 276 B)

Left out: the delta of the inputs, which nobody needs.
Sub-models (one mask for a worker's batch) are computed within the whole network: to leave neurons out takes a class
  like DropoutNeuron, and matrix products in all layers.
"""


@pytest.fixture
def mnist(network) -> NetworkSpec:
    """784-512-512-10 with dropout, as in the Horn paper."""
    return network(
        (784, DropoutNeuron, Identity()),
        (512, DropoutNeuron, ReLU()),
        (512, DropoutNeuron, ReLU()),
        (10, StandardNeuron, Softmax()),
        cost=CategoricalCrossEntropy(),
    )


def test_the_mnist_step_is_eight_products_with_kernels_between_them(mnist) -> None:
    explanation = explain_network(mnist, 100)
    products = [(call.layer, call.sizes, call.work.flops) for call in explanation.gemms]
    assert products == [
        (1, "100×785 · 785×512", 2 * 100 * 785 * 512),
        (2, "100×513 · 513×512", 2 * 100 * 513 * 512),
        (3, "100×513 · 513×10", 2 * 100 * 513 * 10),
        (2, "100×10 · 10×512", 2 * 100 * 10 * 512),
        (2, "513×100 · 100×10", 2 * 100 * 513 * 10),
        (1, "100×512 · 512×512", 2 * 100 * 512 * 512),
        (1, "513×100 · 100×512", 2 * 100 * 513 * 512),
        (0, "785×100 · 100×512", 2 * 100 * 785 * 512),
    ]
    kernels = [(call.layer, call.name) for call in explanation.step if call.kind == "kernel"]
    assert kernels == [*((layer, "forward") for layer in range(5)), *((layer, "backward") for layer in (3, 2, 1))]
    passes = [(call.layer, call.name) for call in explanation.step if call.kind == "pass"]
    updates = [(layer, "add") for layer in (2, 1, 0)]
    assert passes == [(4, "SoftmaxNormalization"), (4, "loss"), (3, "outputs - targets"), *updates]
    assert {story.tier for layer in explanation.layers for story in layer.neurons.loops} == {"GEMM", "one message"}
    draws = {call.layer: call.work.draws for call in explanation.step if call.work.draws}
    assert draws == {0: 78_400, 1: 51_200, 2: 51_200}


def test_bytes_are_those_of_the_arrays(mnist) -> None:
    calls = {(call.layer, call.name): call.work.bytes for call in explain_network(mnist, 100).step}
    assert calls[3, "S = X·W"] == 4 * (100 * 513 + 513 * 10 + 100 * 10)
    assert calls[2, "add"] == 4 * 3 * 513 * 10  # two arrays are read, one is written


def test_without_momentum_a_push_does_not_read_the_last_change(mnist) -> None:
    with_momentum, without = (training_step(mnist, 4, Rates(0, 0.1, momentum)) for momentum in (0.9, 0.0))
    saved = [one.work.bytes - other.work.bytes for one, other in zip(with_momentum, without, strict=True)]
    assert [size for size in saved if size] == [4 * 513 * 10, 4 * 513 * 512, 4 * 785 * 512]


def test_the_text_of_a_small_network(network) -> None:
    spec = network((3, StandardNeuron, Identity()), (2, StandardNeuron, ReLU()), cost=CategoricalCrossEntropy())
    shown, heading, where = str(explain_network(spec, 4)).partition("The generated modules are in ")
    names = re.findall(r", in (\S+\.py)", shown)
    assert len(names) == 2
    # Several, where other tests have had a module generated before.
    folders = [Path(folder.strip()) for folder in where.split(heading)]
    assert all(any((folder / name).is_file() for folder in folders) for name in names)
    shown = re.sub(r"_[0-9a-f]{16}", "_…", re.sub(r"py:\d+", "py:…", shown))
    assert shown.strip() == SMALL.strip()


def test_lines_fit_the_screen(mnist) -> None:
    assert max(map(len, str(explain_network(mnist, 100)).split("The generated")[0].splitlines())) <= 120


def test_a_loop_that_is_no_product_is_shown_with_line_and_reason(define, first_line, chain) -> None:
    cls = define(FIRST_LARGE).FirstLarge
    explanation = explain_network(chain((3, StandardNeuron), (4, cls)), 5)
    [story] = [story for story in explanation.layers[1].neurons.loops if story.method == "forward"]
    assert story.tier == "scalar"
    hindrance, of_lanes = story.hindrances
    assert (of_lanes.tier, of_lanes.reason, of_lanes.cure) == ("lanes", hindrance.reason, hindrance.cure)
    where = hindrance.where
    assert (hindrance.tier, hindrance.reason) == ("GEMM", "the loop contains a break")
    assert hindrance.cure == "say by a condition which messages count, in place of the break"
    assert where is not None
    assert "break" in where.text
    assert where.line == first_line + FIRST_LARGE[: FIRST_LARGE.index("break")].count("\n")
    assert f"not GEMM: {hindrance.reason}" in str(explanation)
    assert all(line.strip() in str(explanation) for line in str(where).splitlines())
    [kernel] = [call for call in explanation.prediction if call.layer == 1]
    assert kernel.sizes == "5×4×4 messages"
    assert kernel.work.flops == 5 * 4 * 4 * 2  # a product and a comparison for each message


def test_a_loop_in_lanes_is_a_kernel_with_its_work(define, chain) -> None:
    text = """
class Largest(StandardNeuron):
    def forward(self, messages):
        largest = 0.0
        for m in messages:
            largest = max(largest, m.input * m.weight)
        self.feedforward(largest)
"""
    explanation = explain_network(chain((3, StandardNeuron), (4, define(text).Largest)), 5)
    lanes = next(call for call in explanation.prediction if call.layer == 1)
    assert (lanes.kind, lanes.sizes) == ("kernel", "5×4×4 messages")
    assert lanes.work.flops == 5 * 4 * 4 * 2  # a product and a comparison for each message


def test_one_layer_only(mnist) -> None:
    explanation = explain_network(mnist, 10, layer=2)
    assert [layer.index for layer in explanation.layers] == [2]
    assert {call.layer for call in (*explanation.step, *explanation.prediction)} == {2}
    with pytest.raises(ValueError, match=r"layer must be in \[0, 5\), got 5"):
        explain_network(mnist, 10, layer=5)


def test_a_network_that_cannot_be_trained_is_explained_for_prediction(define, chain) -> None:
    text = (
        "class Forward(Neuron):\n    def forward(self, messages):\n        total = 0.0\n        for m in messages:\n"
        "            total += m.input * m.weight * self.uniform(0.5, 1.5)\n        self.feedforward(total)\n"
    )
    explanation = explain_network(chain((3, define(text).Forward), (4, StandardNeuron)), 5)
    assert explanation.step == ()
    assert [call.kind for call in explanation.prediction] == ["kernel", "GEMM", "kernel"]
    assert any("cannot be trained" in note for note in explanation.notes)
    assert "training step of" not in str(explanation)


@pytest.mark.parametrize("submodels", [False, True])
def test_what_is_explained_is_what_runs(submodels, network, batch, parameters) -> None:
    """Calls, order, sizes are those of a step that computes, normalization, regularization and bounds included."""
    spec = network(
        (30, DropoutNeuron, Identity()),
        (40, DropoutNeuron, ReLU()),
        (3, StandardNeuron, Softmax()),
        cost=CategoricalCrossEntropy(),
        regularization=0.1,
        max_norm=2.0,
    )
    seen: list[PlannedCall] = []

    class Witness(Watched):
        def run(self, values: Values) -> Any:
            seen.append(PlannedCall.of(self.place, self.operation, values))
            return self.operation.run(values)

    numbers = parameters(spec)
    engine = Compiled(spec, numbers, np.zeros_like(numbers), seed=0, watch=Witness)
    inputs = np.random.default_rng(0).random((6, 30), np.float32)
    engine.step(batch(inputs, np.arange(6) % 3, lane=0 if submodels else None), RATES)
    assert training_step(spec, 6, RATES, submodels=submodels) == tuple(seen)
    assert any(call.method == "kept" for call in seen) == submodels


def test_a_class_alone(define) -> None:
    explanation = explain(DropoutNeuron, ReLU)
    assert [(story.method, story.tier) for story in explanation.loops] == [("forward", "GEMM"), ("backward", "GEMM")]
    assert explanation.loops[0].terms == ("total: m.input * m.weight",)
    assert "    push: self.momentum * m.prev_weight" in str(explanation)
    operations = [(step.method, step.kind) for step in explanation.steps]
    assert operations[:2] == [("forward", "GEMM"), ("forward", "kernel")]
    assert explanation.steps[1].each.once.draws == 1
    assert explanation.steps[0].each.message == Work(2)
    assert str(explanation).startswith("DropoutNeuron with ReLU")
    assert Path(explanation.file).is_file()
    with pytest.raises(NeuronError, match=r"Silent\.forward never calls self\.feedforward"):
        explain(define("class Silent(Neuron):\n    def forward(self, messages):\n        pass\n").Silent)


def test_explanations_are_json(mnist) -> None:
    explanation = explain_network(mnist, 100)
    found = json.loads(json.dumps(explanation.as_dict()))
    assert found["work"]["flops"] == explanation.work.flops == sum(call["work"]["flops"] for call in found["step"])
    assert [layer["neurons"]["neuron"] for layer in found["layers"]][:2] == ["DropoutNeuron", "DropoutNeuron"]
    assert json.loads(json.dumps(explain(DropoutNeuron).as_dict()))["loops"][0]["tier"] == "GEMM"


def test_sub_models_are_computed_compactly_where_the_cost_model_says_so(network) -> None:
    def told(keep: float) -> str:
        spec = network(
            (300, StandardNeuron, Identity()),
            (200, DropoutNeuron, ReLU(), {"keep": keep}),
            (100, StandardNeuron, Identity()),
            cost=CategoricalCrossEntropy(),
        )
        [note] = [note for note in explain_network(spec, 10).notes if note.startswith("Sub-models")]
        return note

    assert "keep 10% of the weights on average: computed compactly for batches of every size" in told(0.1)
    assert "keep 50% of the weights on average: computed compactly for batches of 3 or more examples" in told(0.5)
    assert "whole network" in explain_network(network(
        (3, StandardNeuron, Identity()), (2, StandardNeuron, Identity()), cost=CategoricalCrossEntropy()
    ), 5).notes[-1]  # fmt: skip


X = Field("input")
ADD = Assign("x", Binary("+", Local("x"), X))


@pytest.mark.parametrize(
    ("body", "once", "message"),
    [
        ((ADD,), Work(1), Work()),
        ((MessageLoop((ADD, ADD)),), Work(), Work(2)),
        ((If(Binary(">", X, Const(0.0)), (ADD,), (ADD, ADD)),), Work(3), Work()),
        ((RangeLoop("i", Const(0), Const(7), Const(2), (ADD,)),), Work(4), Work()),
        ((RangeLoop("i", Const(3), Const(0), Const(1), (ADD,)),), Work(), Work()),
        ((While((ADD, MessageLoop((ADD,)))),), Work(1), Work(1)),
        ((Assign("x", Call("exp", (Call("abs", (X,)),))),), Work(1, functions=1), Work()),
        ((Assign("x", Binary("**", X, Const(3.0))),), Work(functions=1), Work()),
        ((Assign("x", Draw("uniform", (Const(0.0), Const(1.0)))),), Work(draws=1), Work()),
    ],
    ids=str,
)
def test_arithmetic_is_counted_from_the_method(body, once, message) -> None:
    found = arithmetic(body)
    assert (found.once, found.message) == (once, message)
    assert found.work(10, 3) == Work(
        10 * (once.flops + 3 * message.flops), 10 * once.functions, 10 * once.draws
    )  # fmt: skip
