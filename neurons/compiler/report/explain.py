"""Why a network is as fast as it is: what each method was compiled to, and what a step does."""

from __future__ import annotations

from dataclasses import fields

from ...activations.base import Activation, as_activation
from ...activations.identity import Identity
from ...engine import Rates
from ...errors import NeuronError
from ...interlayer import Interlayer
from ...neuron import Neuron
from ...spec import NetworkSpec
from ..analysis.analysis import analyse
from ..analysis.reports import LoopReport
from ..emission.modules import LayerCode, layer_code
from ..execution.passes import Passes
from ..execution.submodel import Outlook, outlook
from ..operations.operation import Operation
from ..operations.weights import WEIGHTS
from .explanation import ClassExplanation, Explanation, Hindrance, LayerExplanation, LoopStory, Step
from .plan import Call, prediction, training_step


def explain(neuron: type[Neuron], activation: Activation | type[Activation] = Identity) -> ClassExplanation:
    """What a neuron class is compiled to; `str` of it is a text to read.

    Args:
        neuron: the class.
        activation: the activation of its layer.

    Raises:
        NeuronError: the class cannot be compiled.
    """
    analysis = analyse(neuron, as_activation(activation))
    if analysis.aside is not None:
        raise analysis.aside
    return _of_class(layer_code(analysis, "dense", "dense"))


def explain_network(
    spec: NetworkSpec,
    examples: int = 100,
    *,
    rates: Rates | None = None,
    layer: int | None = None,
    submodels: bool = False,
) -> Explanation:
    """What a network is compiled to, and what a training step on a batch does. Nothing is computed for it.

    Args:
        spec: the network.
        examples: size of the batch.
        rates: those of the step; where β or γ of a push is 0, fewer bytes move.
        layer: one layer only; None for all.
        submodels: True: one dropout mask for the whole batch.

    Raises:
        NeuronError: a class that cannot be compiled.
        ValueError: no such layer.
    """
    if layer is not None and not 0 <= layer < len(spec.layers):
        raise ValueError(f"layer must be in [0, {len(spec.layers)}), got {layer}")
    rates = Rates(0, 0.1, 0.9) if rates is None else rates
    passes = Passes(spec)
    shown = range(len(spec.layers)) if layer is None else (layer,)
    layers = tuple(
        LayerExplanation(index, spec.layers[index].units, _of_class(passes.stages[index].code, _single(spec, index)))
        for index in shown
    )
    notes: list[str] = []
    step: tuple[Call, ...] = ()
    try:
        step = training_step(spec, examples, rates, submodels=submodels)
    except NeuronError as error:
        notes.append(f"No training step: {error}")
    else:
        notes += _left_out(spec, step)
        notes.append(_of_submodels(outlook(passes, rates)))
    return Explanation(
        _title(spec),
        examples,
        layers,
        tuple(call for call in step if call.layer in shown),
        tuple(call for call in prediction(spec, examples) if call.layer in shown),
        tuple(notes),
    )


def _title(spec: NetworkSpec) -> str:
    units = "-".join(str(layer.units) for layer in spec.layers if not isinstance(layer.incoming, Interlayer))
    return f"{units}, {spec.parameter_count:,} parameters, {type(spec.cost).__name__}"


def _single(spec: NetworkSpec, index: int) -> frozenset[str]:
    """The methods that get one message, over a connection without weights."""
    ends = {"forward": spec.block_into(index), "backward": spec.block_into(index + 1)}
    return frozenset(method for method, block in ends.items() if block is None)


def _of_class(code: LayerCode, single: frozenset[str] = frozenset()) -> ClassExplanation:
    subject = code.analysis.subject
    steps = [
        Step(item.name, operation.kind, operation.label, operation.each)
        for item in fields(code)
        if isinstance(method := getattr(code, item.name), tuple)
        for operation in method
        if isinstance(operation, Operation)
    ]
    if "backward" not in single:
        steps += [Step("weights", WEIGHTS.push.kind, WEIGHTS.push.label, WEIGHTS.push.each) for _ in code.terms]
    loops = tuple(_story(report, single, code.analysis.through) for report in code.analysis.loops)
    return ClassExplanation(subject.name, type(subject.activation).__name__, code.path, loops, tuple(steps))


def _story(report: LoopReport, single: frozenset[str], through: bool) -> LoopStory:
    if report.method in single:
        return LoopStory(report.method, "one message", (), report.where, ())
    matched = tuple(map(str, report.matched))
    if through and any("_gradient" in term for term in matched):
        hindrance = Hindrance("GEMM", "the derivatives of the receivers' forward are no products", None, "")
        return LoopStory(report.method, "lanes", matched, report.where, (hindrance,))
    kept = (("GEMM", report.kept), ("lanes", report.scalar))
    hindrances = tuple(Hindrance(tier, found.reason, found.where, found.cure) for tier, found in kept if found)
    return LoopStory(report.method, report.tier, matched, report.where, hindrances)


def _left_out(spec: NetworkSpec, step: tuple[Call, ...]) -> list[str]:
    notes = []
    if not any(call.layer == 0 and call.method == "backward" for call in step):
        notes.append("Left out: the delta of the inputs, which nobody needs.")
    if spec.fused:
        top = len(spec.layers) - 1
        notes.append(f"Left out: backward of layer {top}; with the cost, its gradient is outputs - targets.")
    return notes


def _of_submodels(expected: Outlook | None) -> str:
    if expected is None:
        return (
            "Sub-models (one mask for a worker's batch) are computed within the whole network: to leave neurons out "
            "takes a class like DropoutNeuron, and matrix products in all layers."
        )
    share = f"keep {expected.kept / expected.weights:.0%} of the weights on average"
    if expected.examples is None:
        return f"Sub-models {share}: too much for computing them compactly."
    when = f"of {expected.examples} or more examples" if expected.examples > 1 else "of every size"
    return f"Sub-models (one mask for a worker's batch) {share}: computed compactly for batches {when}."
