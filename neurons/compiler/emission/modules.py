"""From what is understood of a neuron to a module of kernels: which kernels a layer needs, and their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..analysis.analysis import Analysis
from ..analysis.receivers import GRADIENTS, before_weighted_sums
from ..capture.tables import table_names
from ..nir.expressions import Const, Count, Expr, Gemm, Type
from ..nir.prune import drop, prune, specialise
from ..nir.statements import (
    Backpropagate,
    Body,
    FeedForward,
    Keep,
    MessageLoop,
    Push,
    PushFactor,
    SetField,
    Stmt,
)
from ..nir.trees import show, walk
from ..nir.varying import axes_of_locals, in_words
from ..operations.buffers import PER_NEURON, USUAL, Array
from ..operations.operation import Method, Operation
from ..operations.work import Arithmetic, Work
from . import cache
from .crossing import whole_method
from .emitted import Emitted, EmittedPass
from .hazards import Hazards
from .headers import header
from .methods import crossing_arrays, operations, writers_of
from .pushing import Pushing, PushTerm, plan_pushes
from .signatures import hypers
from .spelling import Spelling
from .sums import Sums, sums_in
from .sweeps import Sweeps, single_writers, sweep_writers
from .tiles import LaneWriter
from .writer import Writer


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
    methods = _methods(analysis, incoming, outgoing, forth, pushing, hazards)
    every = [writer for writers in methods.values() for writer in writers]
    emitted: dict[str, Emitted | EmittedPass] = {}
    # Loops that are the same while training and predicting are compiled once.
    names: dict[str, str] = {}
    known: dict[str, str] = {}
    for writer in every:
        kernel = writer.write()
        names[kernel.name] = known.setdefault(kernel.text.replace(f"def {kernel.name}(", "def "), kernel.name)
        emitted.setdefault(names[kernel.name], kernel)
    sweeps = sweep_writers(analysis, incoming, hazards)
    emitted |= {sweep.name: sweep.write() for sweep in sweeps}
    if analysis.drop is not None:
        emitted["kept"] = _kept(analysis.drop.probability, hazards)
    emitted = {**forth.kernels, **back.kernels, **emitted}
    subject = analysis.subject
    neuron, activation = cache.word(subject.name), cache.word(type(subject.activation).__name__)
    title = f"Kernels of {neuron} with {activation}: {incoming} in, {outgoing} out."
    listing = "\n\n".join(f"{writer.name}:\n{_listed(writer.body)}" for writer in every).replace("\\", "/")
    head = header(title, listing, precision)
    stem = f"{neuron}_{activation}_{incoming}_{outgoing}".lower()
    module = cache.load(head + "\n\n\n".join(kernel.text for kernel in emitted.values()) + "\n", stem)
    kernels = {name: kernel.operation(getattr(module, name)) for name, kernel in emitted.items()}
    kernels |= {name: kernels[other] for name, other in names.items()}
    run = {name: operations(writers, kernels, pushing) for name, writers in methods.items()}
    left = {name.removeprefix("self."): kind for name, kind in analysis.state.items()}
    left |= dict.fromkeys(sorted(analysis.kept), Type.FLOAT)
    per_example = {f"K_{name}": Array(PER_NEURON, kind) for name, kind in left.items()}
    outputs = analysis.scale is not None and not analysis.through
    terms = (PushTerm("O", "D"),) if outputs else tuple(pushing.terms)
    return LayerCode(
        analysis, run["forward"], run["predict"], run.get("backward", ()) + run.get("through", ()),
        run.get("push", ()), _gradients_read(methods, "backward"), _gradients_read(methods, "push"),
        run.get("bias_forward", ()), run.get("bias_backward", ()),
        Sweeps(*(kernels[sweep.name] for sweep in sweeps)) if sweeps else None, kernels.get("kept"),
        pushing.gradients, terms, pushing.update(kernels),
        USUAL | forth.arrays | back.arrays | per_example | crossing_arrays(every),
        hazards, max(1, *(len(writer.rows) for writer in every if isinstance(writer, Writer))), str(module.__file__),
    )  # fmt: skip


def _listed(body: Body) -> str:
    """A method in the NIR, with the index set of each variable."""
    return show(body, "    ", {name: in_words(over) for name, over in axes_of_locals(body).items()})


def _gradients_read(methods: Mapping[str, Sequence[Writer | LaneWriter]], name: str) -> bool:
    """True where a method, or the bias sender's, reads Σ input_gradient."""
    writers = (*methods.get(name, ()), *methods.get("bias_backward", ()))
    return any(GRADIENTS in sums_in(writer.body) for writer in writers)


def _methods(
    analysis: Analysis, incoming: str, outgoing: str, forth: Sums, pushing: Pushing, hazards: Hazards
) -> dict[str, Sequence[Writer | LaneWriter]]:
    state, slope = analysis.state, analysis.slope
    onward: dict[str, Any] = {"hazards": hazards, "sums": forth}
    back = onward | {"sums": pushing.sums, "factors": pushing.factors}
    methods: dict[str, Sequence[Writer | LaneWriter]] = {
        "forward": writers_of("forward", analysis.forward, "forward", incoming, state, slope, **onward),
        "predict": writers_of("predict", analysis.predict, "forward", incoming, {}, False, **onward),
    }
    if analysis.backward is None:
        return methods
    backward = prune(pushing.body, frozenset())
    if backward:
        methods["backward"] = writers_of("backward", backward, "backward", outgoing, state, slope, **back)
    methods["through"] = single_writers(analysis, incoming, hazards)
    push = prune(drop(backward, (Backpropagate,)), frozenset())
    for_synapses = (Push, PushFactor, SetField) if outgoing == "dense" else ()
    if _contains(push, (*for_synapses, Keep)):
        methods["push"] = writers_of("push", push, "backward", outgoing, state, slope, **back)
    if not _contains(push, for_synapses):
        return methods
    before = specialise(drop(analysis.forward, (FeedForward, MessageLoop)), _no_messages)
    before = prune(before, frozenset(state))
    of_bias = prune(drop(push, (Keep,)), frozenset())
    for method, body, link, shared in (("forward", before, incoming, onward), ("backward", of_bias, outgoing, back)):
        name, crossing = f"bias_{method}", whole_method(body, method, state, keep_slope=slope)
        methods[name] = [Writer(name, body, method, link, crossing, **shared, bias_sender=True)]
    return methods


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
    arguments = ("mask", "R", "ids", "lane", "nested", "step", "k0", "k1", "status", *_UNIFORM, *hypers(probability))
    arguments = (*table_names(probability), *arguments)
    spelled = Spelling({}, {}, hazards).typed(probability, Type.FLOAT)
    text = f"""@kernel
def kept({", ".join(arguments)}):
    row = words(R[0], ids, lane, step, u32(FORWARD), k0, k1)
    for i in range(len(ids)):
        bits = joint(row[i], u32(0)) if nested else row[i]
        mask[i] = bernoulli_of(bits, {spelled}) != ZERO"""
    return Emitted("kept", text, arguments, _DRAW)
