"""A network, with all that `fit` goes on from, as a model file and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from horn.neurons import Activation, Cost, Dense, FunctionInterlayer, Interlayer, Layer, NetworkSpec, Neuron
from horn.neurons.spec import PRECISIONS, Incoming

from .checks import require_count, require_rate
from .errors import ModelFileError
from .feeding.batches import Place
from .optimizers import Minimizer, Optimizer
from .plans.training_state import TrainingState
from .schedules import Schedule, ScheduleLike
from .structure.architecture import layer_numbers
from .structure.interlayers import NeuronInterlayer
from .structure.modelfile import CURE, Tensors, read_model, write_model
from .structure.naming import Description, Names, describe

if TYPE_CHECKING:
    from .network import NeuralNetwork

#: What the names of tensors begin with: of previous changes, and of what the optimizer keeps.
PREVIOUS, SLOT = "previous_", "optimizer."


def save_network(
    path: str | os.PathLike[str],
    state: TrainingState,
    *,
    seed: int,
    engine: str,
    learning_rate: float | ScheduleLike,
    momentum: float,
    optimizer: Optimizer | Minimizer | None,
) -> None:
    """Write a network; see `NeuralNetwork.save`."""
    spec = state.spec
    befores = (None, *spec.layers[:-1])
    network = {
        "layers": [_describe_layer(layer, before) for layer, before in zip(spec.layers, befores, strict=True)],
        "cost": describe(spec.cost),
        "regularization": spec.regularization,
        "max_norm": spec.max_norm,
        "precision": spec.precision.__name__,
        "seed": seed,
        "engine": engine,
        "learning_rate": describe(learning_rate) if callable(learning_rate) else float(learning_rate),
        "momentum": momentum,
        "optimizer": None if optimizer is None else describe(optimizer),
        "began": state.began,
        "step": state.step,
        "epoch": state.place.epoch,
        "offset": state.place.offset,
        "examples": state.examples,
    }
    write_model(path, network, {name: np.ascontiguousarray(array) for name, array in _tensors(state)})


def load_network(path: str | os.PathLike[str], classes: tuple[Any, ...], cls: type[NeuralNetwork]) -> NeuralNetwork:
    """Read a network; see `NeuralNetwork.load`."""
    network, tensors = read_model(path)
    names = Names(str(path), classes)
    try:
        return _rebuild(network, tensors, names, cls)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelFileError(f"{path} describes no network that this Horn can build ({reason}): {CURE}") from error


def _rebuild(network: Description, tensors: Tensors, names: Names, cls: type[NeuralNetwork]) -> NeuralNetwork:
    layers = _rebuild_layers(network["layers"], names)
    cost = names.make(network["cost"], Cost)
    precision = PRECISIONS[network.get("precision", "float32")]  # older files have none
    spec = NetworkSpec(layers, cost, network["regularization"], network["max_norm"], precision)
    optimizer = _rebuild_optimizer(network.get("optimizer"), names)  # older files have none
    state = _filled(spec, optimizer, tensors)
    counts = {name: require_count(name, network[name], least=0) for name in ("step", "epoch", "offset", "examples")}
    state.began = require_count("began", network.get("began", 0), least=0)
    state.step, state.examples = counts["step"], counts["examples"]
    state.place = Place(counts["epoch"], counts["offset"])
    rate = network["learning_rate"]
    return cls._with_state(
        state,
        learning_rate=_rebuild_schedule(rate, names) if isinstance(rate, dict) else rate,
        momentum=network["momentum"],
        seed=network["seed"],
        engine=network["engine"],
        optimizer=optimizer,
    )


def _tensors(state: TrainingState) -> Iterator[tuple[str, Any]]:
    """Names and views of all that a file holds, connection by connection; then what neurons keep."""
    slots = {f"{SLOT}{name}.": slot for name, slot in state.slots.items()}
    for number, block in enumerate(state.spec.blocks):
        for kind, flat in {"": state.parameters, PREVIOUS: state.previous, **slots}.items():
            yield f"{kind}weights.{number}", block.weights(flat)
            if block.bias:
                yield f"{kind}biases.{number}", block.matrix(flat)[0]
    for kept in state.spec.states:
        matrix = kept.matrix(state.parameters)
        yield f"states.{kept.layer}.{kept.name}", matrix if kept.of_synapses else matrix[0]


def _filled(spec: NetworkSpec, optimizer: Optimizer | Minimizer | None, tensors: Tensors) -> TrainingState:
    """A state with the file's numbers, whose shapes are looked at before anything of that size is allocated."""
    if spec.size != sum(tensor.size for name, tensor in tensors.items() if not name.startswith((PREVIOUS, SLOT))):
        raise ValueError(f"the layers have {spec.size:,} parameters, the file holds another number")
    state = TrainingState.new(spec, np.zeros(spec.size, spec.precision), optimizer)
    for name, view in _tensors(state):
        tensor = tensors[name]
        if tensor.shape != view.shape or tensor.dtype != spec.precision:
            needed = f"{view.dtype} of {view.shape}"
            raise ValueError(f"{name} is {tensor.dtype} of shape {tensor.shape}, needed is {needed}")
        view[...] = tensor
    return state


def _describe_layer(layer: Layer, before: Layer | None) -> Description:
    return {
        "units": layer.units,
        "neuron": layer.neuron.__name__,
        "activation": describe(layer.activation),
        "hyperparameters": dict(layer.hyperparameters) | dict(layer.initial),
        "incoming": _describe_incoming(layer.incoming, before),
        "rate_factor": layer.rate_factor,
    }


def _describe_incoming(incoming: Incoming, before: Layer | None) -> Description | None:
    if incoming is None or before is None:
        return None
    if isinstance(incoming, Dense):
        return {"bias": incoming.bias}
    if incoming is before.activation.interlayer:
        return {"of": "activation"}
    if isinstance(incoming, NeuronInterlayer):
        return {"of": "neuron"}
    return describe(incoming)


def _rebuild_layers(descriptions: list[Description], names: Names) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for description in descriptions:
        neuron: type[Neuron] = names.find(description["neuron"], Neuron)
        numbers, initial = layer_numbers(neuron, description["hyperparameters"])
        layers.append(
            Layer(
                require_count("units", description["units"]),
                neuron,
                names.make(description["activation"], Activation),
                numbers,
                _rebuild_incoming(description["incoming"], names, layers),
                initial,
                require_rate("rate_factor", description.get("rate_factor", 1.0)),  # older files have none
            )
        )
    return tuple(layers)


def _rebuild_incoming(description: Description | None, names: Names, before: list[Layer]) -> Incoming:
    if (description is None) != (not before):
        raise ValueError("the first layer, and no other, is the input layer")
    if description is None:
        return None
    if "bias" in description:
        return Dense(bool(description["bias"]))
    if description.get("of") == "activation":
        return before[-1].activation.interlayer
    if description.get("of") == "neuron":
        return NeuronInterlayer(before[-1].neuron, before[-1].hyperparameters)
    if "interlayer" in description:
        backward = description["backward"] and names.function(description["backward"])
        return FunctionInterlayer(names.function(description["interlayer"]), backward)
    interlayer: Interlayer = names.make(description, Interlayer)
    return interlayer


def _rebuild_optimizer(description: Description | None, names: Names) -> Optimizer | Minimizer | None:
    if description is None:
        return None
    optimizer: Optimizer | Minimizer = names.make(description, Optimizer, Minimizer)
    optimizer.__post_init__()  # numbers out of their range are refused as by the constructor
    return optimizer


def _rebuild_schedule(description: Description, names: Names) -> ScheduleLike:
    function = "function" in description
    schedule: ScheduleLike = names.function(description["function"]) if function else names.make(description, Schedule)
    return schedule
