"""What may follow what: whether layer before layer can be trained, and what has a bias by default."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ...activations.base import Activation
from ...errors import NeuronError
from ...interlayer import Interlayer
from ...neuron import Neuron
from ...spec import Dense, Layer, NetworkSpec
from ..capture.cures import without_way_out
from ..nir.expressions import Field
from ..nir.trees import all_expressions, with_factors
from .analysis import Analysis, analyse

#: Fields that stand for derivatives of the receiver's forward.
_DERIVED = frozenset({"input_gradient", "weight_gradient"})


def is_weighted_sum(cls: type[Neuron], activation: Activation) -> bool:
    """True where `forward` is one weighted sum of the inputs: what a bias belongs to by default.

    Synapses that draw may take part in it or not.

    Raises:
        NeuronError: the class cannot be compiled.
    """
    known = analyse(cls, activation)
    return known.weighted_sum or known.sums_by_draws


def layer_analysis(layer: Layer, following: Layer | None = None) -> Analysis:
    """What the compiler knows of a layer's neurons that it can compile.

    Args:
        layer: the layer.
        following: the next one, where its synapses matter.

    Raises:
        NeuronError: the class cannot be compiled.
    """
    known = _known(layer, following)
    if known.aside is not None:
        raise known.aside
    return known


def _known(layer: Layer, following: Layer | None = None) -> Analysis:
    known = analyse(layer.neuron, layer.activation, layer.hyperparameters)
    if following is None or not isinstance(following.incoming, Dense) or not known.fields & _DERIVED:
        return known
    receivers = _known(following)
    if receivers.weighted_sum or isinstance(receivers.derivation, NeuronError):
        return known
    return analyse(layer.neuron, layer.activation, layer.hyperparameters, through=True)


def analysis_if_known(layer: Layer) -> Analysis | None:
    """What is known of a layer's neurons for the interpreter, `print` and `assert` left out; None for any Python."""
    found = _understood(layer)
    return None if isinstance(found, NeuronError) else found


def _understood(layer: Layer) -> Analysis | NeuronError:
    try:
        return _known(layer)
    except NeuronError as error:
        return error


def check_training(spec: NetworkSpec, analysis_of: Callable[[Layer], Analysis | None] = layer_analysis) -> None:
    """Refuse to train a network whose neurons do not give gradients.

    Args:
        spec: the network.
        analysis_of: what is known of a layer; one of which nothing is known passes (see `unproven_sums`).

    Raises:
        NeuronError: a class without `backward` whose forward has no derivative, or is not known; one that multiplies
            deltas by weights where they lead to neurons that compute no weighted sum, unless it says
            ``learning_rule = "local"``, or asks there for derivatives that cannot be taken; one whose `backward` asks
            for a slope that `forward` never set.
    """
    for index, layer in enumerate(spec.layers):
        analysis = analysis_of(layer)
        name = layer.neuron.__name__
        if analysis is None:
            if layer.neuron.backward is Neuron.backward:
                raise _unknown(
                    layer, f"layer {index} ({name}) cannot be trained: its backward is left out", "write one"
                )
            continue
        if analysis.backward is None:
            assert isinstance(analysis.derivation, NeuronError)
            raise NeuronError(
                f"layer {index} ({name}) cannot be trained: {name} has no backward(self, messages), and its forward "
                f"gives none, since {analysis.derivation.message}; write one, or use the network for prediction only",
                analysis.derivation.where,
            )
        local = layer.neuron.learning_rule == "local"
        if isinstance(layer.incoming, Interlayer) and isinstance(analysis.derivation, NeuronError) and not local:
            raise NeuronError(
                f"layer {index} ({name}) cannot be trained behind {layer.incoming}: {analysis.derivation.message}, so "
                f"that ∂cost/∂input is not known; write {name}.forward otherwise, or mark it "
                'learning_rule = "local"',
                analysis.derivation.where,
            )
        # Nobody needs the delta of the inputs, nor then its slope.
        if index > 0 and analysis.slope_missing:
            raise NeuronError(
                f"layer {index} ({name}) cannot be trained: {name}.backward multiplies by "
                "self.activation.derivative(), but its forward never calls self.activation(...), so that the slope is "
                "always 0 and nothing before this layer would learn; apply the activation in forward, or write a "
                "backward of its own"
            )
        following = spec.layers[index + 1] if index + 1 < len(spec.layers) else None
        if following is None or not isinstance(following.incoming, Dense):
            continue
        receivers = analysis_of(following)
        if receivers is not None and not receivers.weighted_sum:
            _check_through(index, layer.neuron, analysis, following.neuron, receivers)


def unproven_sums(spec: NetworkSpec) -> tuple[NeuronError | None, ...]:
    """For each layer that only the interpreter understands, what to say if it turns out to compute no weighted sum.

    Args:
        spec: the network.

    None where the layer is known, or its senders have a rule of their own, which asks for no derivatives.
    """
    found: list[NeuronError | None] = [None]
    for index, (sender, layer) in enumerate(pairwise(spec.layers)):
        known = analysis_if_known(sender)
        asks = sender.neuron.learning_rule != "local" and (known is None or bool(known.fields & _DERIVED))
        if not asks or analysis_if_known(layer) is not None:
            found.append(None)
            continue
        name = sender.neuron.__name__
        through = f"layer {index} ({name}) cannot be trained through layer {index + 1} ({layer.neuron.__name__})"
        what = f"{through}: that gives no weighted sum to self.activation(...), so that its derivatives are needed"
        found.append(_unknown(layer, what, f'give {name} a rule of its own, and mark it learning_rule = "local"'))
    return tuple(found)


def _unknown(layer: Layer, what: str, cure: str) -> NeuronError:
    """Nothing can be derived from a `forward` that only the interpreter understands."""
    why = _understood(layer)
    assert isinstance(why, NeuronError)
    return NeuronError(
        f"{what}, and nothing can be derived from {layer.neuron.__name__}.forward: {without_way_out(why.message)}; or "
        f"{cure}",
        why.where,
    )


def check_pushes_through(spec: NetworkSpec) -> None:
    """Refuse to train in compiled code what the interpreter alone can: see `Analysis.obstacle`.

    Raises:
        NeuronError: a class uses derivatives by messages otherwise than in sums and pushes.
    """
    for layer, following in pairwise(spec.layers):
        obstacle = layer_analysis(layer, following).obstacle
        if obstacle is not None:
            raise obstacle


def check_lent_weights(spec: NetworkSpec) -> None:
    """Refuse to train on weights that others hold where pushes need what only those others know.

    Raises:
        NeuronError: a class pushes what depends on ``m.prev_weight`` otherwise than by adding a multiple of it that is
            the same for every neuron and example, or its pushes are not understood.
    """
    for index, (layer, following) in enumerate(pairwise(spec.layers)):
        if not isinstance(following.incoming, Dense):
            continue
        known = analysis_if_known(layer)
        if known is None:
            raise _unknown(
                layer,
                f"layer {index} ({layer.neuron.__name__}) cannot be trained on weights that others hold: they make the "
                "part of a push that depends on no example",
                "train where the weights are",
            )
        if Field("prev_weight") in with_factors(all_expressions(known.backward or ())):
            name = layer.neuron.__name__
            raise NeuronError(
                f"layer {index} ({name}) cannot be trained on weights that others hold: {name}.backward uses "
                "m.prev_weight, which they hold, too; push at most a multiple of it, + self.momentum * m.prev_weight, "
                "under no condition"
            )


def _check_through(
    index: int, sender: type[Neuron], analysis: Analysis, receiver: type[Neuron], receivers: Analysis
) -> None:
    """Refuse a sender that cannot be trained before receivers that are no weighted sums."""
    local = sender.learning_rule == "local"
    derived = sorted(analysis.fields & _DERIVED)
    layers = (
        f"layer {index} ({sender.__name__}) cannot be trained through layer {index + 1} ({receiver.__name__}): "
        f"{receiver.__name__}.forward is no weighted sum"
    )
    if not local and "delta" in analysis.fields:
        raise NeuronError(
            f"{layers}, so that m.delta * m.weight and self.output * m.delta are not the gradients; use "
            f"m.input_gradient and m.weight_gradient in {sender.__name__}.backward, or give it a rule of its own and "
            f'mark it learning_rule = "local"; prediction works as it is'
        )
    if derived and isinstance(receivers.derivation, NeuronError):
        raise NeuronError(
            f"{layers}, and m.{derived[0]} cannot be derived from it, since {receivers.derivation.message}; write it "
            f"otherwise, or give {sender.__name__} a rule of its own without m.{derived[0]} and mark it "
            'learning_rule = "local"; prediction works as it is',
            receivers.derivation.where,
        )
    if derived and "delta" in analysis.fields:
        raise NeuronError(
            f"{layers}, before which {sender.__name__}.backward may use m.delta or m.{derived[0]}, not both"
        )
