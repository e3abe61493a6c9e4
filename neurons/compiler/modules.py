"""From what is understood of a neuron to a module of kernels: which kernels a layer needs, and their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any

from ..activations.identity import Identity
from ..costs.base import Cost
from ..errors import NeuronError
from ..neuron import Neuron
from . import cache
from .analysis import Analysis
from .buffers import PER_NEURON, USUAL, Array
from .emitted import Emitted, EmittedPass
from .faults import guarded
from .hazards import Hazards
from .lower import lower_scalar_function
from .nir import (
    Assign,
    Backpropagate,
    Body,
    Const,
    Count,
    Expr,
    FeedForward,
    Gemm,
    Keep,
    Local,
    MessageLoop,
    Push,
    PushFactor,
    SetField,
    Stmt,
    Type,
)
from .operations import Method, Operation, Pass
from .prune import drop, prune, specialise
from .pushing import Pushing, PushTerm, plan_pushes
from .receivers import GRADIENTS, before_weighted_sums
from .signatures import hypers
from .spelling import Spelling
from .subject import Subject
from .sums import Sums, sums_in
from .sweeps import Sweeps, single_writers, sweep_writers
from .tables import table_names
from .trees import show, walk
from .values import Object
from .varying import axes_of_locals, in_words
from .work import Arithmetic, Work, arithmetic, total
from .writer import Writer

_HEADER = '''"""{title}

{listing}
"""
import math

import numpy as np
from numpy import bool_, int64

{mathematics}
from horn.neurons.whole import add, multiply, place, subtract
from horn.neurons.jit import kernel, summing_kernel
from horn.neurons.random import BACKWARD, FORWARD, bernoulli, bernoulli_of, binomial, binomial_of, normal, uniform
from horn.neurons.random import uniform_of, words

real = np.{precision}
u32 = np.uint32

'''
#: Where kernels find `exp` and the like. The fast ones are of float32.
_MATHEMATICS = {"float32": "from horn.neurons import mathematics", "float64": "import math as mathematics"}


def _header(title: str, listing: str, precision: str) -> str:
    return _HEADER.format(title=title, listing=listing, precision=precision, mathematics=_MATHEMATICS[precision])


@dataclass(frozen=True)
class LayerCode:
    """The kernels of a layer of one class between two kinds of connections.

    Args:
        analysis: what is known of the class.
        forward, predict: `forward` while training, while predicting.
        backward: `backward` in full; empty where the class has none.
        push: `backward` where nobody needs the delta; empty where nothing is left to do.
        backward_sums, push_sums: True where these read Σ input_gradient, that of the bias sender included.
        bias_forward, bias_backward: the same for the layer's bias sender; empty where its push needs no kernel.
        sweeps: the derivatives by its messages, where they are no products of its deltas.
        kept: (mask, ids, lane, …): which neurons a sub-model keeps; None where the class cannot be dropped.
        gradients: name of the factors of weight_gradient, see `pushing`.
        terms: the products that the push is made of.
        update: what else its D takes, from them and the weights; empty where it is their sum.
        arrays: what they work in.
        hazards: what their codes mean.
        draw_rows: rows of scratch for random words.
        path: the generated file.
    """

    analysis: Analysis
    forward: Method
    predict: Method
    backward: Method
    push: Method
    backward_sums: bool
    push_sums: bool
    bias_forward: Method
    bias_backward: Method
    sweeps: Sweeps | None
    kept: Operation | None
    gradients: str | None
    terms: tuple[PushTerm, ...]
    update: Method
    arrays: Mapping[str, Array]
    hazards: Hazards
    draw_rows: int
    path: str


@lru_cache(maxsize=256)
def layer_code(analysis: Analysis, incoming: str, outgoing: str, precision: str = "float32") -> LayerCode:
    """The kernels of a class between two kinds of connections.

    Args:
        analysis: the class.
        incoming: "dense" (weights from every sender) or "single" (one message, without a weight).
        outgoing: the same of its receivers.
        precision: what the kernels compute in, by NumPy's name.
    """
    hazards = Hazards()
    forth, back = Sums("forward"), Sums("backward")
    backward = analysis.backward or ()
    backward = backward if analysis.through else before_weighted_sums(backward)
    if outgoing == "single":
        backward = drop(backward, (PushFactor, Push))
    elif analysis.scale is not None:
        backward = drop(backward, (PushFactor,))
    pushing = plan_pushes(backward, back)
    writers = _writers(analysis, incoming, outgoing, forth, pushing, hazards)
    sweeps = sweep_writers(analysis, incoming, hazards)
    emitted: dict[str, Emitted | EmittedPass] = {writer.name: writer.write() for writer in writers}
    emitted |= {sweep.name: sweep.write() for sweep in sweeps}
    if analysis.drop is not None:
        emitted["kept"] = _kept(analysis.drop.probability, hazards)
    emitted = {**forth.kernels, **back.kernels, **emitted}
    subject = analysis.subject
    title = f"Kernels of {subject.name} with {type(subject.activation).__name__}: {incoming} in, {outgoing} out."
    listing = "\n\n".join(f"{writer.name}:\n{_listed(writer.body)}" for writer in writers).replace("\\", "/")
    header = _header(title, listing, precision)
    stem = f"{subject.name}_{type(subject.activation).__name__}_{incoming}_{outgoing}".lower()
    module = cache.load(header + "\n\n\n".join(kernel.text for kernel in emitted.values()) + "\n", stem)
    kernels = {name: kernel.operation(getattr(module, name)) for name, kernel in emitted.items()}
    methods = {writer.name: _method(writer, kernels, pushing) for writer in writers}
    left = {name.removeprefix("self."): kind for name, kind in analysis.state.items()}
    left |= dict.fromkeys(sorted(analysis.kept), Type.FLOAT)
    per_example = {f"K_{name}": Array(PER_NEURON, kind) for name, kind in left.items()}
    outputs = analysis.scale is not None and not analysis.through
    terms = (PushTerm("O", "D"),) if outputs else tuple(pushing.terms)
    backward_sums, push_sums = (
        any(GRADIENTS in sums_in(writer.body) for writer in writers if writer.name in (name, "bias_backward"))
        for name in ("backward", "push")
    )
    return LayerCode(
        analysis, methods["forward"], methods["predict"],
        methods.get("backward", ()) + methods.get("through", ()), methods.get("push", ()), backward_sums, push_sums,
        methods.get("bias_forward", ()), methods.get("bias_backward", ()),
        Sweeps(*(kernels[sweep.name] for sweep in sweeps)) if sweeps else None, kernels.get("kept"),
        pushing.gradients, terms, pushing.update(kernels), USUAL | forth.arrays | back.arrays | per_example,
        hazards, max(1, *(len(writer.rows) for writer in writers)), str(module.__file__),
    )  # fmt: skip


def _listed(body: Body) -> str:
    """A method in the NIR, with the index set of each variable."""
    return show(body, "    ", {name: in_words(over) for name, over in axes_of_locals(body).items()})


def _method(writer: Writer, kernels: Mapping[str, Operation], pushing: Pushing) -> Method:
    """A kernel with the sums that it loads, and with what the products of its pushes take."""
    kernel = kernels[writer.name]
    if writer.link == "single" or writer.bias_sender or writer.sums is None:
        return (kernel,)
    maps = pushing.maps(kernels) if any(isinstance(item, PushFactor) for item in walk(writer.body)) else ()
    sums = writer.sums.operations(sums_in(writer.body), kernels)
    return (*dict.fromkeys([*maps, *sums]), kernel)


def _writers(
    analysis: Analysis, incoming: str, outgoing: str, forth: Sums, pushing: Pushing, hazards: Hazards
) -> list[Writer]:
    state, slope = analysis.state, analysis.slope
    shared: dict[str, Any] = {"hazards": hazards, "keep_slope": slope}
    writers = [
        Writer("forward", analysis.forward, "forward", incoming, state, sums=forth, **shared),
        Writer("predict", analysis.predict, "forward", incoming, {}, sums=forth, hazards=hazards, keep_slope=False),
    ]
    if analysis.backward is None:
        return _declared(writers)
    shared_back = shared | {"sums": pushing.sums, "factors": pushing.factors}
    backward = prune(pushing.body, frozenset())
    writers.append(Writer("backward", backward, "backward", outgoing, state, **shared_back))
    writers += single_writers(analysis, incoming, hazards)
    push = prune(drop(backward, (Backpropagate,)), frozenset())
    for_synapses = (Push, PushFactor, SetField) if outgoing == "dense" else ()
    if _contains(push, (*for_synapses, Keep)):
        writers.append(Writer("push", push, "backward", outgoing, state, **shared_back))
    if not _contains(push, for_synapses):
        return _declared(writers)
    before = specialise(drop(analysis.forward, (FeedForward, MessageLoop)), _no_messages)
    before = prune(before, frozenset(state))
    of_bias = prune(drop(push, (Keep,)), frozenset())
    writers += [
        Writer("bias_forward", before, "forward", incoming, state, **shared, bias_sender=True),
        Writer("bias_backward", of_bias, "backward", outgoing, state, **shared_back, bias_sender=True),
    ]
    return _declared(writers)


def _declared(writers: list[Writer]) -> list[Writer]:
    """The writers, the sums declared that their bodies read."""
    for writer in writers:
        if writer.sums is not None and writer.link == "dense" and not writer.bias_sender:
            writer.sums.declare(sums_in(writer.body))
    return writers


def _contains(body: Body, kinds: tuple[type[Stmt], ...]) -> bool:
    return any(isinstance(statement, kinds) for statement in walk(body))


def _no_messages(expression: Expr) -> Expr:
    if isinstance(expression, Gemm):
        return Const(0.0)
    return Const(0) if isinstance(expression, Count) else expression


#: What `kept` does for each neuron.
_DRAW = Arithmetic(Work(draws=1))
_UNIFORM = ("learning_rate", "momentum", "iteration", "layer")


def _kept(probability: Expr, hazards: Hazards) -> Emitted:
    arguments = ("mask", "R", "ids", "lane", "step", "k0", "k1", "status", *_UNIFORM, *hypers(probability))
    arguments = (*table_names(probability), *arguments)
    spelled = Spelling({}, {}, hazards).typed(probability, Type.FLOAT)
    text = f"""@kernel
def kept({", ".join(arguments)}):
    row = words(R[0], ids, lane, step, u32(FORWARD), k0, k1)
    for i in range(len(ids)):
        mask[i] = bernoulli_of(row[i], {spelled}) != real(0.0)"""
    return Emitted("kept", text, arguments, _DRAW)


@dataclass(frozen=True)
class CostCode:
    """A cost's kernels: ``loss(O, T) → Σ``, and ``gradient(O, T, G) → Σ`` which also writes ∂cost/∂output."""

    loss: Operation
    gradient: Operation


def cost_code(cost: Cost, precision: str = "float32") -> CostCode:
    """The kernels of a cost, computing in `precision` (NumPy's name).

    Raises:
        NeuronError: `apply` or `derivative` cannot be compiled.
    """
    name = type(cost).__name__
    subject = Subject(Neuron, Identity(), ())
    parts: list[str] = []
    works: list[Work] = []
    for method in ("apply", "derivative"):
        function = getattr(type(cost), method)
        if not isinstance(function, FunctionType):
            raise NeuronError(f"cost {name}.{method} cannot be compiled: it is not a method written in Python")
        try:
            body, value = lower_scalar_function(subject, function, [Object(cost), Local("output"), Local("target")])
            if subject.tables:
                raise NeuronError(f"a cost is the same for all units and reads no array ({min(subject.tables)})")
        except NeuronError as error:
            raise NeuronError(f"cost {name}.{method}: {error.message}", error.where) from error
        parts.append(_scalar_lines(body, value))
        works.append(arithmetic((*body, Assign("result", value))).once)
    apply, derivative = parts
    text = f"""{_header(f"The cost {name}.", "A term per output unit.", precision)}
@kernel
def loss(O, T):
    total = 0.0
    for e in range(T.shape[0]):
        for i in range(T.shape[1]):
            v_output, v_target = O[e, i + 1], T[e, i]
{apply.format(target="result")}
            total += result
    return total


@kernel
def gradient(O, T, G):
    total = 0.0
    for e in range(T.shape[0]):
        for i in range(T.shape[1]):
            v_output, v_target = O[e, i + 1], T[e, i]
{apply.format(target="result")}
            total += result
{derivative.format(target="G[e, i]")}
    return total
"""
    module = cache.load(text, name.lower())
    what, path = f"cost {name}", str(module.__file__)
    both = ("O", "T")
    return CostCode(
        Pass("loss", guarded(module.loss, what, path), both, "T", works[0] + Work(1), both),
        Pass(
            "gradient", guarded(module.gradient, what, path), (*both, "G"), "T", total((*works, Work(1))), both, ("G",)
        ),
    )


def _scalar_lines(body: Body, value: Expr) -> str:
    # The two parameters are locals that come from outside, like what `forward` leaves for `backward`.
    given = {"output": Type.FLOAT, "target": Type.FLOAT}
    return Writer("scalar", body, "backward", "single", given, hazards=Hazards(), keep_slope=False).scalar_lines(value)
