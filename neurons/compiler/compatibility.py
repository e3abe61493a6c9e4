"""What may follow what: whether layer before layer can be trained, and what has a bias by default."""

from __future__ import annotations

from collections.abc import Callable

from ..activations.base import Activation
from ..errors import NeuronError
from ..neuron import Neuron
from ..spec import Dense, Layer, NetworkSpec
from .analysis import Analysis, analyse

#: Fields that stand for derivatives of the receiver's forward.
_DERIVED = frozenset({"input_gradient", "weight_gradient"})


def is_weighted_sum(cls: type[Neuron], activation: Activation) -> bool:
    """True where `forward` is one weighted sum of the inputs: what a bias belongs to by default.

    Raises:
        NeuronError: the class cannot be compiled.
    """
    return analyse(cls, activation).weighted_sum


def layer_analysis(layer: Layer) -> Analysis:
    """What the compiler knows of a layer's neurons.

    Raises:
        NeuronError: the class cannot be compiled.
    """
    return analyse(layer.neuron, layer.activation, layer.hyperparameters)


def analysis_if_compilable(layer: Layer) -> Analysis | None:
    """As `layer_analysis`; None for a class that only the interpreter can run."""
    try:
        return layer_analysis(layer)
    except NeuronError:
        return None


def check_training(spec: NetworkSpec, analysis_of: Callable[[Layer], Analysis | None] = layer_analysis) -> None:
    """Refuse to train a network whose neurons do not give gradients.

    Args:
        spec: the network.
        analysis_of: what is known of a layer; layers of which nothing is known pass.

    Raises:
        NeuronError: a class without `backward`; one whose synapses lead to neurons that compute no weighted sum,
            unless it says ``learning_rule = "local"``; one whose `backward` asks for a slope that `forward` never set.
    """
    for index, layer in enumerate(spec.layers):
        analysis = analysis_of(layer)
        if analysis is None:
            continue
        name = layer.neuron.__name__
        if analysis.backward is None:
            raise NeuronError(
                f"layer {index} ({name}) cannot be trained: {name} has no backward(self, messages); write one, or use "
                "the network for prediction only"
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
        if receivers is None or receivers.weighted_sum:
            continue
        local = layer.neuron.learning_rule == "local"
        if local and not analysis.fields & _DERIVED:
            continue
        receiver = following.neuron.__name__
        raise NeuronError(
            f"layer {index} ({name}) cannot be trained through layer {index + 1} ({receiver}): {receiver}.forward is "
            f"no weighted sum, so that {'m.input_gradient' if local else 'm.delta * m.weight'} is not the gradient; "
            f"make {receiver}.forward one sum of m.input * m.weight, or give {name} a rule of its own and mark it "
            'learning_rule = "local"; prediction works as it is'
        )
